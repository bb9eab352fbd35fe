package feature

// ObjectKind tells what a stored object is.
type ObjectKind uint8

// The kinds of objects, in the order in which Parse tries them; KindData is the objects of all datasets.
const (
	KindRoot ObjectKind = iota
	KindTopology
	KindCut
	KindClose
	KindConfig
	KindCheckpoint
	KindSST
	KindManifest
	KindManifestRevision
	KindDatasetManifest
	KindSuccess
	KindCatalog
	KindSchema
	KindBaselinePart
	KindBaselinePartial
	KindSnapshotSuccess
	KindData
	numKinds
)

// Object names one stored object. Only the fields that its constructor sets mean anything; the others are zero, so
// Objects can be compared. Nothing is checked before Layout.Path.
type Object struct {
	Kind      ObjectKind
	Dataset   string // KindData, KindSchema
	Minute    int64  // KindData: the time of the partition in minutes since the Unix epoch
	Slice     string // the slice's start as Clock.Name writes it: these names sort by time
	Source    string // [a-z0-9._-]
	Partition string // [A-Za-z0-9._-]
	Number    uint64 // of a cut or a topology entry
	Shard     int    // 0..9999; the part of a batch job
	Revision  int    // of a manifest; 0 is the first publication. Of baselines, from 1
	Name      string // digest, file name, format (md, parquet) of the catalog, or table of a partial
	Horizon   string // of a dataset that has objects by baseline horizon: 7d, 30d
	Month     string // YYYY-MM of baselines and of a snapshot of the inventory
}

// RootObject is what is fixed for a root.
func RootObject() Object { return Object{Kind: KindRoot} }

// TopologyObject is the n-th topology entry of a source.
func TopologyObject(source string, n uint64) Object {
	return Object{Kind: KindTopology, Source: source, Number: n}
}

// CutObject is the n-th cut of a source partition.
func CutObject(source, partition string, n uint64) Object {
	return Object{Kind: KindCut, Source: source, Partition: partition, Number: n}
}

// CloseObject is the close record of a slice.
func CloseObject(sliceName string) Object { return Object{Kind: KindClose, Slice: sliceName} }

// ConfigObject is the text of a configuration that a close record names by its digest.
func ConfigObject(digest string) Object { return Object{Kind: KindConfig, Name: digest} }

// CheckpointObject is the checkpoint of a shard after the named slice.
func CheckpointObject(shard int, sliceName string) Object {
	return Object{Kind: KindCheckpoint, Shard: shard, Slice: sliceName}
}

// SSTObject is a file of the state, named by its content.
func SSTObject(name string) Object { return Object{Kind: KindSST, Name: name} }

// ManifestObject is the manifest of a slice and shard; revision 0 is the first publication.
func ManifestObject(sliceName string, shard, revision int) Object {
	o := Object{Kind: KindManifest, Slice: sliceName, Shard: shard, Revision: revision}
	if revision != 0 {
		o.Kind = KindManifestRevision
	}
	return o
}

// DatasetManifestObject is the manifest of all shards of a slice.
func DatasetManifestObject(sliceName string) Object {
	return Object{Kind: KindDatasetManifest, Slice: sliceName}
}

// SuccessObject is the empty object that says that a slice is complete.
func SuccessObject(sliceName string) Object { return Object{Kind: KindSuccess, Slice: sliceName} }

// CatalogObject is the feature catalog; format is md or parquet.
func CatalogObject(format string) Object { return Object{Kind: KindCatalog, Name: format} }

// SchemaObject is the schema manifest of a table.
func SchemaObject(dataset string) Object { return Object{Kind: KindSchema, Dataset: dataset} }

// BaselineObject is a part of a table of baselines.
func BaselineObject(dataset, horizon, month string, revision, part int) Object {
	return Object{Kind: KindData, Dataset: dataset, Horizon: horizon, Month: month, Revision: revision, Shard: part}
}

// PublicationObject is the metadata of a publication of baselines. Its creation makes the publication count.
func PublicationObject(month string, revision int) Object {
	return Object{Kind: KindData, Dataset: DatasetPublicationMetadata, Month: month, Revision: revision}
}

// BaselinePartObject says what a part of the baselines' job has made of one horizon.
func BaselinePartObject(horizon, month string, revision, part int) Object {
	return Object{Kind: KindBaselinePart, Horizon: horizon, Month: month, Revision: revision, Shard: part}
}

// BaselinePartialObject is what a part of the baselines' job knows of a table that the publishing step merges.
func BaselinePartialObject(table, horizon, month string, revision, part int) Object {
	return Object{Kind: KindBaselinePartial, Name: table, Horizon: horizon, Month: month, Revision: revision, Shard: part}
}

// SnapshotObject is a part of a month's snapshot of the machine inventory.
func SnapshotObject(month string, part int) Object {
	return Object{Kind: KindData, Dataset: DatasetMachineInventory, Month: month, Shard: part}
}

// SnapshotSuccessObject is the empty object that says that a snapshot is complete.
func SnapshotSuccessObject(month string) Object {
	return Object{Kind: KindSnapshotSuccess, Month: month}
}

// DataObject is a shard's object of a dataset, in the partition of a time in nanoseconds since the Unix epoch. The
// time is cut to the minute, and to the UTC day in a dataset of days.
func DataObject(dataset string, nanos int64, shard int) Object {
	minute := floorDiv(nanos, nanosPerMinute)
	if d, ok := datasetNamed(dataset); ok && d.daily {
		minute = floorDiv(minute, minutesPerDay) * minutesPerDay
	}
	return Object{Kind: KindData, Dataset: dataset, Minute: minute, Shard: shard}
}

// SliceDataObject is the object that the close of slice s makes of a dataset: its partition is that of the slice's
// end for the tables of windows, and that of its start for the others and for the day of lookback30d.
func SliceDataObject(dataset string, c Clock, s Slice, shard int) Object {
	if d, ok := datasetNamed(dataset); ok && d.byEnd {
		return DataObject(dataset, c.End(s), shard)
	}
	return DataObject(dataset, c.Start(s), shard)
}

// OfHorizon returns the object of a baseline horizon, for the datasets that have objects of each.
func (o Object) OfHorizon(horizon string) Object {
	o.Horizon = horizon
	return o
}

const (
	nanosPerMinute = 60_000_000_000
	minutesPerDay  = 24 * 60
)
