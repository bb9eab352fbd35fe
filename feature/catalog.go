package feature

import (
	"slices"
	"strconv"
	"strings"
)

// Numbers of the catalog. Those below FirstFreeNumber are a contract with the models and never move; FG-C has
// FirstFGCNumber to FirstFreeNumber - 1.
const (
	NumFGAFeatures  = 2*len(Windows)*NumMetrics + len(timeTexts)
	FirstFGCNumber  = NumFGAFeatures + 1
	FirstFreeNumber = 1806
)

// What the columns catalog and origin of the feature catalog say.
const (
	ModelInput      = "model_input"
	NonModel        = "non_model"
	OriginContract  = "contract"
	OriginExtension = "extension"
)

// Entry is one feature of the catalog.
type Entry struct {
	ID          string // <version>:<group>:<name>
	Number      int
	Name        string // of FG-A [in_]<metric>_<window_label>, of FG-C with _<transform>: the column of the wide layout
	Group       string // the dataset
	Formula     string
	Description string
	Creator     string   // the Go file, from the root of the repository
	Upstream    []string // flow fields, datasets' columns, features or configuration that it is made of
	Version     string   // feature_spec_version
	Type        ColumnType
	Nullable    bool   // in the wide layout, where a window without flows is null
	Default     string // of a role without flows in the window; empty where there is always a value
	Consumers   []string
	Offline     string // feature group names; empty for what no feature store holds
	Online      string
	Path        string // of the dataset's objects, below the root of the object store
	Catalog     string // ModelInput or NonModel
	Origin      string // OriginContract or OriginExtension
}

// Catalog lists every published feature by ascending number, with FG-C in its default shape.
func Catalog(version string, l Layout) []Entry { return catalogOf(version, l, defaultPlan()) }

// CatalogOf lists every published feature by ascending number: FG-A by role (outbound first), metric and window with
// the time features last, and FG-C by role, metric, window and transform, in which the contract's numbers of features
// that the shape leaves out are free. From FirstFreeNumber on come the single features of FG-C, its further transforms
// and metrics, and what is no model input of delta, fg_b, pair_counts and pair rarity. The error tells of an impossible shape.
func CatalogOf(version string, l Layout, shape FGCShape) ([]Entry, error) {
	p, err := shape.plan()
	if err != nil {
		return nil, err
	}
	return catalogOf(version, l, p), nil
}

func catalogOf(version string, l Layout, p *fgcPlan) []Entry {
	c := catalogMaker{version, l}
	entries := append(c.fga(), c.fgc(p)...)
	number := FirstFreeNumber
	for _, list := range [...]func(number int) []Entry{
		func(n int) []Entry { return c.fgcSingles(p, n) },
		func(n int) []Entry { return c.fgcFurther(p, n) },
		c.delta, c.fgb, c.pairCounts, c.pairRarity,
	} {
		more := list(number)
		entries = append(entries, more...)
		number += len(more)
	}
	return entries
}

type catalogMaker struct {
	version string
	layout  Layout
}

// entry fills what follows from the group, the number and the column.
func (c catalogMaker) entry(group string, number int, col Column) Entry {
	return Entry{
		ID: c.version + ":" + group + ":" + col.Name, Number: number, Name: col.Name, Group: group,
		Version: c.version, Type: col.Type, Nullable: col.Nullable,
		Path:    c.layout.root + "/" + c.layout.paths.data[group].String(),
		Catalog: NonModel, Origin: OriginContract,
	}
}

// fga lists the features of FG-A: the columns of the wide table between its head and its tail, and the time
// features.
func (c catalogMaker) fga() []Entry {
	table := FGAWideTable()
	entries := make([]Entry, 0, NumFGAFeatures)
	add := func(name string) *Entry {
		e := c.entry(DatasetFGA, len(entries)+1, table.Columns[table.Column(name)])
		e.Catalog, e.Consumers = ModelInput, []string{"NDR system"}
		e.Offline, e.Online = "fg-a-offline", "fg-a-online"
		entries = append(entries, e)
		return &entries[len(entries)-1]
	}
	for _, r := range catalogRoles {
		for m := range Metrics {
			for _, w := range Windows {
				e := add(FGAFeatureName(r, Metrics[m].Name, w.Label))
				e.Formula = metricTexts[m].formula
				e.Description = r.String() + ", " + w.Label + ": " + metricTexts[m].description
				e.Creator, e.Upstream = windowSources(MetricID(m), r, w)
				e.Default = defaultOf(Metrics[m].Nullable)
			}
		}
	}
	for _, t := range timeTexts {
		e := add(t.name)
		e.Formula, e.Description = t.formula, t.description
		e.Creator, e.Upstream = "feature/calendar.go", []string{"calendar"}
	}
	return entries
}

// windowSources names what makes a metric of a window, and of what.
func windowSources(m MetricID, r Role, w Window) (creator string, upstream []string) {
	for _, input := range metricTexts[m].inputs {
		upstream = append(upstream, FGAFeatureName(r, input, w.Label))
	}
	switch Metrics[m].Kind {
	case KindSum, KindMax:
		return "feature/windowmetrics.go", []string{DatasetDelta + "." + Metrics[m].Name}
	case KindPairs:
		return "feature/rolescan.go", []string{"state.pairs"}
	case KindDerived:
		return "feature/windowmetrics.go", upstream
	}
	if upstream == nil && Metrics[m].Kind == KindNovelty {
		upstream = []string{"state.pairs", DatasetLookback30d}
	} else if upstream == nil {
		upstream = []string{"state.pairs", "segments.high_risk"}
	}
	return "feature/rolescan.go", upstream
}

func (c catalogMaker) delta(number int) (entries []Entry) {
	table := DeltaTable()
	for m, metric := range Metrics[:NumDeltaMetrics] {
		e := c.entry(DatasetDelta, number+m, table.Columns[table.Column(metric.Name)])
		e.Formula = metricTexts[m].formula
		e.Description = "of a host and role in a slice: " + metricTexts[m].description
		e.Creator, e.Upstream = "feature/deltarows.go", metricTexts[m].inputs
		e.Default, e.Consumers = defaultOf(false), []string{DatasetFGA}
		entries = append(entries, e)
	}
	return entries
}

func defaultOf(nullable bool) string {
	if nullable {
		return "null"
	}
	return "0"
}

// pairTexts describes the columns of pair_counts. The bytes and the segment are more than the contract asks.
var pairTexts = map[string]struct {
	formula, description string
	upstream             []string
	origin               string
}{
	"src_ip":        {"source_ip", "internal host that began the sessions", []string{"flow.source_ip"}, OriginContract},
	"dst_ip":        {"destination_ip", "its peer", []string{"flow.destination_ip"}, OriginContract},
	"dst_port":      {"destination_port", "targeted port, above 0", []string{fieldPort}, OriginContract},
	"event_ts":      {"slice_end_ts", "end of the slice", []string{fieldEnd}, OriginContract},
	"segment_id":    {"segment(src_ip)", "network segment of src_ip", []string{"flow.source_ip", "segments"}, OriginExtension},
	"sessions_cnt":  {"count(TRAFFIC flows)", "sessions of the pair in the slice", []string{fieldEvent}, OriginContract},
	"bytes_src_sum": {"sum(source_bytes)", "bytes of src_ip", []string{fieldSent}, OriginExtension},
	"bytes_dst_sum": {"sum(destination_bytes)", "bytes of dst_ip", []string{fieldBack}, OriginExtension},
}

// pairCounts lists the columns of pair_counts but for those that all tables have.
func (c catalogMaker) pairCounts(number int) (entries []Entry) {
	for _, col := range PairCountsTable().Columns[len(atClose()):] {
		e := c.entry(DatasetPairCounts, number+len(entries), col)
		t := pairTexts[col.Name]
		e.Formula, e.Description, e.Upstream, e.Origin = t.formula, t.description, t.upstream, t.origin
		e.Creator, e.Consumers = "feature/pairrows.go", []string{"fg_b"}
		entries = append(entries, e)
	}
	return entries
}

// CatalogBatch is the catalog as rows of the feature catalog's table, in the order of its key.
func CatalogBatch(entries []Entry) *Batch {
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	b := NewBatch(FeatureCatalogTable())
	for i := range sorted {
		for col, text := range sorted[i].cells() {
			switch b.Table.Columns[col].Name {
			case "feature_number":
				b.AddInt(col, int64(sorted[i].Number))
			case "nullable":
				b.AddInt(col, zeroOrOne(sorted[i].Nullable))
			default:
				b.AddText(col, text)
			}
		}
		b.EndRow()
	}
	return b
}

// cells is the entry as text, by column of the feature catalog's table.
func (e *Entry) cells() []string {
	list := func(l []string) string { return strings.Join(l, ", ") }
	return []string{e.ID, strconv.Itoa(e.Number), e.Name, e.Group, e.Formula, e.Description, e.Creator,
		list(e.Upstream), e.Version, e.Type.String(), strconv.FormatInt(zeroOrOne(e.Nullable), 10), e.Default,
		list(e.Consumers), e.Offline, e.Online, e.Path, e.Catalog, e.Origin}
}

func zeroOrOne(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
