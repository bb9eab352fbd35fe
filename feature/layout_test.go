package feature

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testLayout(t testing.TB) Layout {
	t.Helper()
	l, err := NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const quarterPastNine = 1_700_000_100 * 1e9 // 2023-11-14T22:15:00Z

// objectPaths are objects and their paths below projects/ndr/versions/v1/, as the published layout states them.
var objectPaths = []struct {
	object Object
	path   string
}{
	{RootObject(), "root.json"},
	{TopologyObject("flows", 3), "control/topology/flows/00000000000000000003"},
	{CutObject("flows", "0", 12), "control/cuts/flows/0/00000000000000000012"},
	{CutObject("a.b_c-d", "shardId-000000000000", math.MaxUint64),
		"control/cuts/a.b_c-d/shardId-000000000000/18446744073709551615"},
	{CloseObject("20231114T2215Z"), "control/close/20231114T2215Z"},
	{CloseObject("00000101T0000Z"), "control/close/00000101T0000Z"},
	{ConfigObject("5f70bf18a086007016e948b04aed3b82"), "control/config/5f70bf18a086007016e948b04aed3b82"},
	{CheckpointObject(3, "19691231T2345Z"), "control/checkpoints/0003/19691231T2345Z"},
	{SSTObject("0a1b.sst"), "control/sst/0a1b.sst"},
	{ManifestObject("20231114T2215Z", 7, 0), "manifests/slice=20231114T2215Z/shard-0007.json"},
	{ManifestObject("20231114T2215Z", 7, 12), "manifests/slice=20231114T2215Z/shard-0007.r12.json"},
	{DatasetManifestObject("20231114T2215Z"), "manifests/slice=20231114T2215Z/dataset.json"},
	{SuccessObject("20231114T2215Z"), "manifests/slice=20231114T2215Z/_SUCCESS"},
	{CatalogObject("md"), "catalog/feature_catalog.md"},
	{CatalogObject("parquet"), "catalog/feature_catalog.parquet"},
	{SchemaObject("fg_a"), "catalog/schema/fg_a.json"},
	{SchemaObject("fg_b/pair/host"), "catalog/schema/fg_b/pair/host.json"},
	{BaselinePartObject("30d", "2023-11", 2, 7), "control/baselines/baseline_month=2023-11/revision=2/30d/part-0007.json"},
	{BaselinePartialObject("ip_metadata", "7d", "2023-11", 2, 7),
		"control/baselines/baseline_month=2023-11/revision=2/7d/ip_metadata/part-0007.parquet"},
	{BaselineObject("fg_b/host", "7d", "2023-11", 12, 3),
		"data/baselines/fg_b/host/baseline_horizon=7d/baseline_month=2023-11/revision=12/part-0003.parquet"},
	{BaselineObject("fg_b/segment", "30d", "2023-11", 1, 0),
		"data/baselines/fg_b/segment/baseline_horizon=30d/baseline_month=2023-11/revision=1/part-0000.parquet"},
	{BaselineObject("fg_b/ip_metadata", "30d", "2023-11", 1, 0),
		"data/baselines/fg_b/ip_metadata/baseline_horizon=30d/baseline_month=2023-11/revision=1/part-0000.parquet"},
	{BaselineObject("fg_b/pair/host", "30d", "2023-11", 1, 0),
		"data/baselines/fg_b/pair/host/baseline_horizon=30d/baseline_month=2023-11/revision=1/part-0000.parquet"},
	{BaselineObject("fg_b/pair/segment", "30d", "2023-11", 1, 0),
		"data/baselines/fg_b/pair/segment/baseline_horizon=30d/baseline_month=2023-11/revision=1/part-0000.parquet"},
	{BaselineObject("fg_b/peer", "30d", "2023-11", 1, 0),
		"data/baselines/fg_b/peer/baseline_horizon=30d/baseline_month=2023-11/revision=1/part-0000.parquet"},
	{PublicationObject("2023-11", 3),
		"data/baselines/fg_b/publication_metadata/baseline_month=2023-11/revision=3/publication.json"},
	{SnapshotObject("2023-11", 3), "data/inventory/machine_inventory/snapshot_month=2023-11/part-0003.parquet"},
	{SnapshotSuccessObject("2023-11"), "data/inventory/machine_inventory/snapshot_month=2023-11/_SUCCESS"},
	{DataObject("delta", quarterPastNine, 0),
		"data/features/delta/dt=2023-11-14/hh=22/mm=15/part-0000.parquet"},
	{DataObject("pair_counts", quarterPastNine, 9999),
		"data/features/pair_counts/dt=2023-11-14/hh=22/mm=15/part-9999.parquet"},
	{DataObject("fg_a", -1, 1), "data/features/fg_a/dt=1969-12-31/hh=23/mm=59/part-0001.parquet"},
	{DataObject("fg_a_wide", 0, 1), "data/features/fg_a_wide/dt=1970-01-01/hh=00/mm=00/part-0001.parquet"},
	{DataObject("fg_c", quarterPastNine, 3).OfHorizon("7d"),
		"data/features/fg_c/baseline_horizon=7d/dt=2023-11-14/hh=22/mm=15/part-0003.parquet"},
	{DataObject("fg_c_wide", 0, 1).OfHorizon("30d"),
		"data/features/fg_c_wide/baseline_horizon=30d/dt=1970-01-01/hh=00/mm=00/part-0001.parquet"},
	{DataObject("beacon_evidence", 0, 1), "data/features/beacon_evidence/dt=1970-01-01/hh=00/mm=00/part-0001.parquet"},
	{DataObject("pair_context", 0, 1), "data/features/pair_context/dt=1970-01-01/hh=00/mm=00/part-0001.parquet"},
	{DataObject("lookback30d", quarterPastNine, 2), "data/reference/lookback30d/dt=2023-11-14/part-0002.parquet"},
	{DataObject("lookback30d", -1, 2), "data/reference/lookback30d/dt=1969-12-31/part-0002.parquet"},
	{DataObject("late", 0, 2), "data/quality/late/dt=1970-01-01/hh=00/mm=00/part-0002.parquet"},
	{DataObject("rejects", 0, 2), "data/quality/rejects/dt=1970-01-01/hh=00/mm=00/part-0002.ndjson.zst"},
}

func TestPathAndParse(t *testing.T) {
	live := testLayout(t)
	run, err := live.Run("2024-01-backfill")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct {
		Layout
		root string
	}{{live, "projects/ndr/versions/v1/"}, {run, "projects/ndr/versions/v1/runs/2024-01-backfill/"}} {
		for _, c := range objectPaths {
			path, err := l.Path(c.object)
			if err != nil || path != l.root+c.path {
				t.Errorf("path of %+v: got %q, %v, want %q", c.object, path, err, l.root+c.path)
			}
			object, err := l.Parse(l.root + c.path)
			if err != nil {
				t.Error(err)
			}
			if d := cmp.Diff(object, c.object); d != "" {
				t.Errorf("parse %s: %s", c.path, d)
			}
		}
	}
	if o, err := live.Parse("projects/ndr/versions/v1/runs/2024-01-backfill/root.json"); err == nil {
		t.Errorf("parse path of a run in the live layout: got %+v", o)
	}
}

// Every dataset that is a table, and every object kind, has a row above.
func TestPathCasesAreComplete(t *testing.T) {
	kinds, data := map[ObjectKind]bool{}, map[string]bool{}
	for _, c := range objectPaths {
		kinds[c.object.Kind] = true
		data[c.object.Dataset] = true
	}
	if len(kinds) != int(numKinds) {
		t.Errorf("got %d kinds of %d", len(kinds), numKinds)
	}
	for _, d := range datasets {
		if !data[d.name] {
			t.Errorf("no case for %s", d.name)
		}
	}
}

func TestPathRefuses(t *testing.T) {
	for _, c := range []struct {
		object Object
		want   string
	}{
		{CutObject("", "0", 1), "source"},
		{CutObject("..", "0", 1), "source"},
		{CutObject("a/b", "0", 1), "source"},
		{CutObject("Flows", "0", 1), "source"},
		{CutObject(strings.Repeat("a", 201), "0", 1), "source"},
		{CutObject("flows", "..", 1), "partition"},
		{CutObject("flows", "a/../b", 1), "partition"},
		{CutObject("flows", "a\x00", 1), "partition"},
		{CutObject("flows", "", 1), "partition"},
		{TopologyObject(".hidden", 1), "source"},
		{CloseObject(""), "slice"},
		{CloseObject("20231114T2260Z"), "slice"},
		{CloseObject("20230230T0000Z"), "slice"},
		{CloseObject("../../../../../"), "slice"},
		{ConfigObject("../x"), "name"},
		{SSTObject(""), "name"},
		{CheckpointObject(-1, "20231114T2215Z"), "shard"},
		{CheckpointObject(10000, "20231114T2215Z"), "shard"},
		{ManifestObject("20231114T2215Z", 0, -1), "revision"},
		{CatalogObject("html"), "format"},
		{SchemaObject("a.b"), "dataset"},
		{SchemaObject("/a"), "dataset"},
		{SchemaObject("a//b"), "dataset"},
		{SchemaObject("a/"), "dataset"},
		{PublicationObject("2023-13", 1), "month"},
		{PublicationObject("2023-11", 0), "revision"},
		{BaselineObject("fg_b/host", "", "2023-11", 1, 0), "baseline_horizon"},
		{BaselineObject("fg_b/host", "7d/..", "2023-11", 1, 0), "baseline_horizon"},
		{BaselinePartialObject("../x", "7d", "2023-11", 1, 0), "name"},
		{DataObject("nothing", 0, 0), "nothing"},
		{DataObject("fg_a", 0, -1), "shard"},
		{DataObject("fg_c", 0, 1), "baseline_horizon"},
		{DataObject("fg_c", 0, 1).OfHorizon("../7d"), "baseline_horizon"},
		{Object{Kind: KindData, Dataset: "fg_a", Minute: 4223371680}, "year"},
		{Object{Kind: KindData, Dataset: "fg_a", Minute: -1036120321}, "year"},
		{Object{Kind: 200}, "kind 200"},
	} {
		if path, err := testLayout(t).Path(c.object); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("path of %+v: got %q, %v, want an error with %q", c.object, path, err, c.want)
		}
	}
	for _, m := range []int64{4223371679, -1036120320} {
		path, err := testLayout(t).Path(Object{Kind: KindData, Dataset: "fg_a", Minute: m})
		if o, e := testLayout(t).Parse(path); err != nil || e != nil || o.Minute != m {
			t.Errorf("minute %d: got %s, %v, %v", m, path, err, e)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const root = "projects/ndr/versions/v1/"
	for _, path := range []string{
		"", "root.json", "projects/ndr/versions/v2/root.json", root, root + "root.json/", root + "/root.json",
		root + "control/cuts/flows/0/12",                                          // not padded
		root + "control/cuts/flows/0/99999999999999999999",                        // past uint64
		root + "control/cuts/flows/../00000000000000000012",                       // escapes
		root + "control/cuts/flows/0/00000000000000000012x",                       // more follows
		root + "control/close/20231114T2215",                                      // cut short
		root + "manifests/slice=20231114T2215Z/shard-0007.r0.json",                // revision 0 has another name
		root + "manifests/slice=20231114T2215Z/shard-0007.r01.json",               // as has revision 1
		root + "data/features/fg_a/dt=2023-11-14/hh=24/mm=15/part-0000.parquet",   // hour
		root + "data/features/fg_a/dt=2023-11-31/hh=22/mm=15/part-0000.parquet",   // day
		root + "data/features/fg_a/dt=2023-11-14/hh=22/mm=15/part-0000.parquet.x", // suffix
		root + "data/features/fg_a/dt=2023-11-14/part-0000.parquet",
		root + "data/features/fg_z/dt=2023-11-14/hh=22/mm=15/part-0000.parquet",
	} {
		if o, err := testLayout(t).Parse(path); err == nil {
			t.Errorf("parse %q: got %+v, want an error", path, o)
		}
	}
}

func TestNamesSortByTimeAndNumber(t *testing.T) {
	l := testLayout(t)
	var slicesUp, cutsUp []string
	for s := Slice(-200_000); s < 200_000; s += 997 {
		p, err := l.Path(CloseObject(Clock{}.Name(s)))
		if err != nil {
			t.Fatal(err)
		}
		slicesUp = append(slicesUp, p)
	}
	for n := uint64(1); n != 0; n *= 2 {
		p, err := l.Path(CutObject("flows", "0", n))
		if err != nil {
			t.Fatal(err)
		}
		cutsUp = append(cutsUp, p)
	}
	if !slices.IsSorted(slicesUp) || !slices.IsSorted(cutsUp) {
		t.Error("paths do not sort as their slices or numbers")
	}
}

func TestSliceNameRoundTrip(t *testing.T) {
	for _, c := range []Clock{{}, {8 * time.Minute}} {
		for s := Slice(-100_000); s < 100_000; s += 331 {
			got, err := c.ParseName(c.Name(s))
			if err != nil || got != s {
				t.Fatalf("slice %d: got %d, %v", s, got, err)
			}
		}
	}
	for _, name := range []string{"", "20231114T2216Z", "20231114T2215", "00000101T0000Z", "99991231T2345Z"} {
		if s, err := (Clock{}).ParseName(name); err == nil {
			t.Errorf("slice %q: got %d, want an error", name, s)
		}
	}
}

func TestSliceDataObject(t *testing.T) {
	c := Clock{8 * time.Minute}
	s := c.Of(time.Date(2024, 2, 29, 23, 59, 0, 0, time.UTC).UnixNano())
	for dataset, want := range map[string]string{
		"delta":           "dt=2024-02-29/hh=23/mm=53/",
		"pair_counts":     "dt=2024-02-29/hh=23/mm=53/",
		"fg_a":            "dt=2024-03-01/hh=00/mm=08/",
		"fg_a_wide":       "dt=2024-03-01/hh=00/mm=08/",
		"beacon_evidence": "dt=2024-03-01/hh=00/mm=08/",
		"pair_context":    "dt=2024-03-01/hh=00/mm=08/",
		"lookback30d":     "dt=2024-02-29/",
		"late":            "dt=2024-02-29/hh=23/mm=53/",
		"rejects":         "dt=2024-02-29/hh=23/mm=53/",
	} {
		path, err := testLayout(t).Path(SliceDataObject(dataset, c, s, 0))
		if err != nil || !strings.Contains(path, "/"+dataset+"/"+want+"part-0000.") {
			t.Errorf("%s: got %q, %v, want %s", dataset, path, err, want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	l := testLayout(t)
	const root = "projects/ndr/versions/v1/"
	for want, f := range map[string]func() (string, error){
		"control/topology/flows/":                              func() (string, error) { return l.TopologyPrefix("flows") },
		"control/cuts/flows/p-1/":                              func() (string, error) { return l.CutsPrefix("flows", "p-1") },
		"control/checkpoints/0003/":                            func() (string, error) { return l.CheckpointsPrefix(3) },
		"manifests/slice=20231114T2215Z/":                      func() (string, error) { return l.ManifestsPrefix("20231114T2215Z") },
		"data/features/fg_a/":                                  func() (string, error) { return l.DataPrefix("fg_a") },
		"data/reference/lookback30d/":                          func() (string, error) { return l.DataPrefix("lookback30d") },
		"control/baselines/baseline_month=2023-11/revision=2/": func() (string, error) { return l.BaselinePartsPrefix("2023-11", 2) },
		"data/baselines/fg_b/publication_metadata/":            func() (string, error) { return l.DataPrefix(DatasetPublicationMetadata) },
		"control/close/":                                       func() (string, error) { return l.ClosePrefix(), nil },
		"control/sst/":                                         func() (string, error) { return l.SSTPrefix(), nil },
		"control/config/":                                      func() (string, error) { return l.ConfigPrefix(), nil },
		"manifests/":                                           func() (string, error) { return l.SlicesPrefix(), nil },
		"runs/":                                                func() (string, error) { return l.RunsPrefix(), nil },
	} {
		if got, err := f(); err != nil || got != root+want {
			t.Errorf("got %q, %v, want %q", got, err, root+want)
		}
	}
	for _, f := range []func() (string, error){
		func() (string, error) { return l.TopologyPrefix("../x") },
		func() (string, error) { return l.CutsPrefix("flows", "") },
		func() (string, error) { return l.CheckpointsPrefix(-1) },
		func() (string, error) { return l.ManifestsPrefix("x") },
		func() (string, error) { return l.DataPrefix("x") },
	} {
		if got, err := f(); err == nil {
			t.Errorf("got %q, want an error", got)
		}
	}
}

func TestConfiguredLocations(t *testing.T) {
	l, err := NewLayout("acme", "v2.1", map[string]Location{
		"fg_a":        {Prefix: "lake/fga", Partitions: "m{mm}h{hh}/day-{dt}"},
		"lookback30d": {Partitions: "{dt}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		object Object
		want   string
	}{
		{DataObject("fg_a", quarterPastNine, 1), "lake/fga/m15h22/day-2023-11-14/part-0001.parquet"},
		{DataObject("lookback30d", quarterPastNine, 1), "data/reference/lookback30d/2023-11-14/part-0001.parquet"},
	} {
		path, err := l.Path(c.object)
		if want := "projects/acme/versions/v2.1/" + c.want; err != nil || path != want {
			t.Errorf("got %q, %v, want %q", path, err, want)
		}
		if o, err := l.Parse(path); err != nil || o != c.object {
			t.Errorf("parse %s: got %+v, %v", path, o, err)
		}
	}
	pattern, err := l.Pattern("fg_a")
	if want := "projects/acme/versions/v2.1/lake/fga/m{mm}h{hh}/day-{dt}/part-{shard}.parquet"; pattern != want {
		t.Errorf("pattern: got %q, %v, want %q", pattern, err, want)
	}
}

func TestLayoutRefuses(t *testing.T) {
	at := func(dataset, prefix, partitions string) map[string]Location {
		return map[string]Location{dataset: {prefix, partitions}}
	}
	for _, c := range []struct {
		project, version string
		locations        map[string]Location
		want             string
	}{
		{"", "v1", nil, "project_name"},
		{"..", "v1", nil, "project_name"},
		{"a/b", "v1", nil, "project_name"},
		{"ndr", "..", nil, "feature_spec_version"},
		{"ndr", "v1", at("fg_x", "", ""), "data_locations.fg_x"},
		{"ndr", "v1", at("fg_a", "../x", ""), "data_locations.fg_a.prefix"},
		{"ndr", "v1", at("fg_a", "/x", ""), "data_locations.fg_a.prefix"},
		{"ndr", "v1", at("fg_a", "x/", ""), "data_locations.fg_a.prefix"},
		{"ndr", "v1", at("fg_a", "data/_x", ""), "data_locations.fg_a.prefix"},
		{"ndr", "v1", at("fg_a", "data/{dt}", ""), "data_locations.fg_a.prefix"},
		{"ndr", "v1", at("fg_a", "control/x", ""), "reserved"},
		{"ndr", "v1", at("fg_a", "runs", ""), "reserved"},
		{"ndr", "v1", at("fg_a", "data/features/delta", ""), "overlaps"},
		{"ndr", "v1", at("fg_a", "data/features/delta/x", ""), "overlaps"},
		{"ndr", "v1", at("fg_a", "data/features", ""), "overlaps"},
		{"ndr", "v1", at("fg_a", "", "dt={dt}/hh={hh}"), "{mm}"},
		{"ndr", "v1", at("fg_a", "", "dt={dt}/hh={hh}/mm={mm}/mm={mm}"), "{mm}"},
		{"ndr", "v1", at("fg_a", "", "dt={dt}/../hh={hh}/mm={mm}"), "partitions"},
		{"ndr", "v1", at("fg_a", "", "dt={dt}/hh={hh}/mm={mm}/{shard}"), "partitions"},
		{"ndr", "v1", at("fg_a", "", "_{dt}/hh={hh}/mm={mm}"), "partitions"},
		{"ndr", "v1", at("lookback30d", "", "dt={dt}/hh={hh}"), "partitions"},
		{"ndr", "v1", at("fg_b/host", "", "{baseline_horizon}/{revision}"), "{baseline_month}"},
		{"ndr", "v1", at("fg_b/host", "data/baselines/fg_b/pair", ""), "overlaps"},
		{"ndr", "v1", at("fg_c", "", "dt={dt}/hh={hh}/mm={mm}"), "{baseline_horizon}"},
		{"ndr", "v1", at("fg_a", "", "{baseline_horizon}/dt={dt}/hh={hh}/mm={mm}"), "partitions"},
	} {
		if _, err := NewLayout(c.project, c.version, c.locations); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q %v: got %v, want an error with %q", c.project, c.version, c.locations, err, c.want)
		}
	}
	for _, id := range []string{"", "..", "a/b", ".x"} {
		if _, err := testLayout(t).Run(id); err == nil {
			t.Errorf("run %q: want an error", id)
		}
	}
	if _, err := NewLayout("..", "..", at("fg_x", "", "")); strings.Count(err.Error(), ";") != 2 {
		t.Errorf("got %v, want all three faults", err)
	}
}

func FuzzParsePath(f *testing.F) {
	live := testLayout(f)
	run, err := live.Run("r1")
	if err != nil {
		f.Fatal(err)
	}
	odd, err := NewLayout("ndr", "v1", map[string]Location{"fg_a": {"x", "{mm}{hh}{dt}"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range []Layout{live, run, odd} {
		for _, c := range objectPaths {
			path, err := l.Path(c.object)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(path)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, l := range []Layout{live, run, odd} {
			o, err := l.Parse(path)
			if err != nil {
				continue
			}
			if again, err := l.Path(o); err != nil || again != path {
				t.Errorf("path of %+v: got %q, %v, want %q", o, again, err, path)
			}
			if strings.Contains("/"+path+"/", "/../") || !strings.HasPrefix(path, l.Root()+"/") {
				t.Errorf("%q leaves %q", path, l.Root())
			}
		}
	})
}
