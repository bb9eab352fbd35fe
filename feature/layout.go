package feature

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Location is where a dataset lies: below Prefix, in folders named by Partitions, in which {dt} (YYYY-MM-DD), {hh}
// and {mm} stand for the UTC time of the rows and {baseline_horizon} for the horizon of what is compared with one;
// those of baselines are named by {baseline_horizon}, {baseline_month} and {revision}, of the inventory by {snapshot_month}.
type Location struct {
	Prefix     string
	Partitions string
}

// Layout makes and parses the path of every stored object; no other code builds one. Paths begin with
// projects/<project>/versions/<version>, below the root of the object store. NewLayout and Run make it; it never
// changes and may be used by any goroutine.
type Layout struct {
	root  string // no slash at the end
	paths *layoutPaths
}

type layoutPaths struct {
	kinds [numKinds]template
	data  map[string]template
	names []string // of data, in order
}

// dataset is a stored dataset and its default place.
type dataset struct {
	name   string
	folder Location
	suffix string
	daily  bool // one partition per UTC day
	byEnd  bool // partitions are by the end of the slice that made the rows
	// horizon tells that {baseline_horizon} is a path key: each horizon has objects of its own.
	horizon bool
	keys    string // the path keys, where they are not those of a time
	object  string // name of the only object of a partition, where there are no parts
}

var datasets = [...]dataset{
	{name: DatasetDelta, folder: Location{"data/features/delta", byMinute}, suffix: ".parquet"},
	{name: DatasetPairCounts, folder: Location{"data/features/pair_counts", byMinute}, suffix: ".parquet"},
	{name: DatasetFGA, folder: Location{"data/features/fg_a", byMinute}, suffix: ".parquet", byEnd: true},
	{name: DatasetFGAWide, folder: Location{"data/features/fg_a_wide", byMinute}, suffix: ".parquet", byEnd: true},
	{name: DatasetFGC, folder: Location{"data/features/fg_c", byHorizon}, suffix: ".parquet", byEnd: true, horizon: true},
	{name: DatasetFGCWide, folder: Location{"data/features/fg_c_wide", byHorizon}, suffix: ".parquet", byEnd: true, horizon: true},
	{name: DatasetBeaconEvidence, folder: Location{"data/features/beacon_evidence", byMinute}, suffix: ".parquet", byEnd: true},
	{name: DatasetPairContext, folder: Location{"data/features/pair_context", byMinute}, suffix: ".parquet", byEnd: true},
	{name: DatasetLookback30d, folder: Location{"data/reference/lookback30d", "dt={dt}"}, suffix: ".parquet", daily: true},
	{name: DatasetFGBHost, folder: Location{"data/baselines/fg_b/host", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetFGBSegment, folder: Location{"data/baselines/fg_b/segment", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetFGBIPMetadata, folder: Location{"data/baselines/fg_b/ip_metadata", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetFGBPairHost, folder: Location{"data/baselines/fg_b/pair/host", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetFGBPairSegment, folder: Location{"data/baselines/fg_b/pair/segment", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetFGBPeer, folder: Location{"data/baselines/fg_b/peer", byBaseline}, suffix: ".parquet", keys: byBaseline},
	{name: DatasetPublicationMetadata, folder: Location{"data/baselines/fg_b/publication_metadata", byPublication},
		object: "publication.json", keys: byPublication},
	{name: DatasetMachineInventory, folder: Location{"data/inventory/machine_inventory", bySnapshot}, suffix: ".parquet", keys: bySnapshot},
	{name: DatasetLate, folder: Location{"data/quality/late", byMinute}, suffix: ".parquet"},
	{name: DatasetRejects, folder: Location{"data/quality/rejects", byMinute}, suffix: ".ndjson.zst"},
}

// Datasets that are no tables of this program's: rejects are NDJSON, compressed with zstd, the metadata of a
// publication of baselines is its publication.json, and the inventory comes from outside.
const (
	DatasetRejects             = "rejects"
	DatasetPublicationMetadata = "fg_b/publication_metadata"
	DatasetMachineInventory    = "machine_inventory"
)

const (
	byMinute      = "dt={dt}/hh={hh}/mm={mm}"
	byHorizon     = "baseline_horizon={baseline_horizon}/" + byMinute
	byPublication = "baseline_month={baseline_month}/revision={revision}"
	byBaseline    = "baseline_horizon={baseline_horizon}/" + byPublication
	bySnapshot    = "snapshot_month={snapshot_month}"
)

// reserved are the folders of a root that no dataset may lie in.
var reserved = [...]string{"root.json", "control", "manifests", "runs", "catalog", "code"}

func datasetNamed(name string) (dataset, bool) {
	for _, d := range datasets {
		if d.name == name {
			return d, true
		}
	}
	return dataset{}, false
}

// DefaultLocations returns the default place of every dataset.
func DefaultLocations() map[string]Location {
	m := make(map[string]Location, len(datasets))
	for _, d := range datasets {
		m[d.name] = d.folder
	}
	return m
}

// NewLayout returns the layout of a project's version. Locations replace the default places of the datasets they
// name; an empty field keeps its default. The error names every fault.
func NewLayout(project, version string, locations map[string]Location) (Layout, error) {
	var faults faultList
	for _, n := range [...]struct{ what, name string }{{"project_name", project}, {"feature_spec_version", version}} {
		if !isName(n.name, mixedName) {
			faults.add("%s %q: want letters, digits, '.', '_' or '-'", n.what, n.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(locations)) {
		if _, ok := datasetNamed(name); !ok {
			faults.add("data_locations.%s: no such dataset", name)
		}
	}
	p := &layoutPaths{data: map[string]template{}}
	for k, text := range fixedPaths {
		p.kinds[k] = parseTemplate(text)
	}
	places := make(map[string]string, len(datasets))
	for _, d := range datasets {
		at := d.at(locations[d.name])
		d.check(at, &faults)
		object := d.object
		if object == "" {
			object = "part-{shard}" + d.suffix
		}
		p.data[d.name] = parseTemplate(at.Prefix + "/" + at.Partitions + "/" + object)
		if d.name == DatasetMachineInventory {
			p.kinds[KindSnapshotSuccess] = parseTemplate(at.Prefix + "/" + at.Partitions + "/_SUCCESS")
		}
		p.names = append(p.names, d.name)
		places[d.name] = at.Prefix + "/"
	}
	checkApart(p.names, places, &faults)
	if err := faults.err("data locations"); err != nil {
		return Layout{}, err
	}
	return Layout{"projects/" + project + "/versions/" + version, p}, nil
}

// at is the place of the dataset with what the configuration says of it.
func (d dataset) at(configured Location) Location {
	at := d.folder
	if configured.Prefix != "" {
		at.Prefix = configured.Prefix
	}
	if configured.Partitions != "" {
		at.Partitions = configured.Partitions
	}
	return at
}

// check reports a place that escapes the root, hides a reserved folder, or does not name each path key once.
func (d dataset) check(at Location, faults *faultList) {
	checkParts("data_locations."+d.name+".prefix", at.Prefix, at.Prefix, faults)
	first, _, _ := strings.Cut(at.Prefix, "/")
	if slices.Contains(reserved[:], first) {
		faults.add("data_locations.%s.prefix %q: %s is reserved", d.name, at.Prefix, first)
	}
	want := d.pathKeys()
	bare := at.Partitions
	for _, w := range want {
		if strings.Count(bare, w) != 1 {
			faults.add("data_locations.%s.partitions %q: want %s exactly once", d.name, at.Partitions, w)
		}
		bare = strings.ReplaceAll(bare, w, "0")
	}
	checkParts("data_locations."+d.name+".partitions", at.Partitions, bare, faults)
}

// pathKeys are the fields that the partitions of the dataset must name.
func (d dataset) pathKeys() (want []string) {
	keys := d.keys
	switch {
	case keys == "" && d.daily:
		keys = "{dt}"
	case keys == "":
		keys = byMinute
	}
	if d.horizon {
		keys += byHorizon[:len(byHorizon)-len(byMinute)]
	}
	for _, p := range parseTemplate(keys) {
		if p.field != "" {
			want = append(want, "{"+p.field+"}")
		}
	}
	return want
}

// checkParts reports the folders of a path that readers of a dataset would skip or that no path may have.
func checkParts(key, value, path string, faults *faultList) {
	for part := range strings.SplitSeq(path, "/") {
		if !isName(part, mixedName+"=") || part[0] == '_' {
			faults.add("%s %q: folder %q: want letters, digits, '.', '_', '=' or '-', the first no '.' or '_'",
				key, value, part)
		}
	}
}

// checkApart reports datasets of which one lies in the other's folder: a path would have two meanings.
func checkApart(names []string, places map[string]string, faults *faultList) {
	for i, a := range names {
		for _, b := range names[i+1:] {
			if strings.HasPrefix(places[a], places[b]) || strings.HasPrefix(places[b], places[a]) {
				faults.add("data_locations.%s.prefix %q: overlaps %s at %q", a, places[a], b, places[b])
			}
		}
	}
}

// Run returns the layout of a replay: the same below runs/<id>.
func (l Layout) Run(id string) (Layout, error) {
	if !isName(id, mixedName) {
		return Layout{}, fmt.Errorf("name run %q: want letters, digits, '.', '_' or '-'", id)
	}
	return Layout{l.RunsPrefix() + id, l.paths}, nil
}

// Root is the path under which everything of this layout lies, without a slash at the end.
func (l Layout) Root() string { return l.root }

// Pattern is the path of a dataset's objects with its path keys and {shard} left open.
func (l Layout) Pattern(dataset string) (string, error) {
	t, ok := l.paths.data[dataset]
	if !ok {
		return "", fmt.Errorf("locate dataset %q: no such dataset", dataset)
	}
	return l.root + "/" + t.String(), nil
}

// faultList collects the faults of a configuration.
type faultList []string

func (f *faultList) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func (f faultList) err(what string) error {
	if len(f) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", what, strings.Join(f, "; "))
}
