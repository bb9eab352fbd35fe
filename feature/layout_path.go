package feature

import (
	"fmt"
	"strings"
)

// fixedPaths are the paths below the root of a layout that no configuration moves.
var fixedPaths = [KindData]string{
	KindRoot:             "root.json",
	KindTopology:         "control/topology/{source}/{number}",
	KindCut:              "control/cuts/{source}/{partition}/{number}",
	KindClose:            "control/close/{slice}",
	KindConfig:           "control/config/{name}",
	KindCheckpoint:       "control/checkpoints/{shard}/{slice}",
	KindSST:              "control/sst/{name}",
	KindManifest:         "manifests/slice={slice}/shard-{shard}.json",
	KindManifestRevision: "manifests/slice={slice}/shard-{shard}.r{revision}.json",
	KindDatasetManifest:  "manifests/slice={slice}/dataset.json",
	KindSuccess:          "manifests/slice={slice}/_SUCCESS",
	KindCatalog:          "catalog/feature_catalog.{format}",
	KindSchema:           "catalog/schema/{dataset}.json",
	KindBaselinePart:     "control/baselines/" + byPublication + "/{baseline_horizon}/part-{shard}.json",
	KindBaselinePartial:  "control/baselines/" + byPublication + "/{baseline_horizon}/{name}/part-{shard}.parquet",
	KindSnapshotSuccess:  "", // beside the inventory, which a configuration may move
}

// Path returns the path of an object. A field that its path cannot hold is an error, so that no path leaves the
// root.
func (l Layout) Path(o Object) (string, error) {
	t, err := l.template(&o)
	if err != nil {
		return "", err
	}
	path, err := t.append(append(make([]byte, 0, 160), l.root+"/"...), &o, len(t))
	if err != nil {
		return "", fmt.Errorf("make path of %s: %w", t, err)
	}
	return string(path), nil
}

func (l Layout) template(o *Object) (template, error) {
	if o.Kind < KindData {
		return l.paths.kinds[o.Kind], nil
	}
	if t, ok := l.paths.data[o.Dataset]; ok && o.Kind == KindData {
		return t, nil
	}
	return nil, fmt.Errorf("make path: no object of kind %d, dataset %q", o.Kind, o.Dataset)
}

// Parse returns the object that has the path: Path of it is the same path again. The objects of a run have no
// path in the layout that the run lies in.
func (l Layout) Parse(path string) (Object, error) {
	rest, ok := strings.CutPrefix(path, l.root+"/")
	if !ok {
		return Object{}, fmt.Errorf("parse path %q: not below %s", path, l.root)
	}
	for k := range KindData {
		if o := (Object{Kind: k}); l.paths.kinds[k].match(rest, &o) && l.isPath(o, path) {
			return o, nil
		}
	}
	for _, name := range l.paths.names {
		if o := (Object{Kind: KindData, Dataset: name}); l.paths.data[name].match(rest, &o) && l.isPath(o, path) {
			return o, nil
		}
	}
	return Object{}, fmt.Errorf("parse path %q: no object of %s has it", path, l.root)
}

// isPath keeps out what matches but is written otherwise: hour 25, revision 0 or 01.
func (l Layout) isPath(o Object, path string) bool {
	p, err := l.Path(o)
	return err == nil && p == path
}

// prefix returns the folder that holds the objects of o's kind whose first n fields are those of o.
func (l Layout) prefix(o Object, n int) (string, error) {
	t := l.paths.kinds[o.Kind]
	path, err := t.append([]byte(l.root+"/"), &o, t.upTo(n))
	if err != nil {
		return "", fmt.Errorf("make prefix of %s: %w", t, err)
	}
	return string(path[:strings.LastIndexByte(string(path), '/')+1]), nil
}

// TopologyPrefix is the folder of a source's topology entries; they sort by number.
func (l Layout) TopologyPrefix(source string) (string, error) {
	return l.prefix(TopologyObject(source, 0), 1)
}

// CutsPrefix is the folder of the cuts of a source partition; they sort by number.
func (l Layout) CutsPrefix(source, partition string) (string, error) {
	return l.prefix(CutObject(source, partition, 0), 2)
}

// CheckpointsPrefix is the folder of a shard's checkpoints; they sort by time.
func (l Layout) CheckpointsPrefix(shard int) (string, error) {
	return l.prefix(CheckpointObject(shard, ""), 1)
}

// ManifestsPrefix is the folder of a slice's manifests.
func (l Layout) ManifestsPrefix(sliceName string) (string, error) {
	return l.prefix(ManifestObject(sliceName, 0, 0), 1)
}

// BaselinePartsPrefix is the folder of what the parts of the baselines' job have made for a publication.
func (l Layout) BaselinePartsPrefix(month string, revision int) (string, error) {
	return l.prefix(BaselinePartObject("", month, revision, 0), 2)
}

// The folders below hold what their names say; close records and slices sort by time. A fixed path without fields
// cannot fail.

// ClosePrefix is the folder of the close records.
func (l Layout) ClosePrefix() string { return l.folder(KindClose) }

// SSTPrefix is the folder of the state's files.
func (l Layout) SSTPrefix() string { return l.folder(KindSST) }

// ConfigPrefix is the folder of the configurations of closes.
func (l Layout) ConfigPrefix() string { return l.folder(KindConfig) }

// SlicesPrefix is the folder of the manifests of all slices.
func (l Layout) SlicesPrefix() string { return l.folder(KindManifest) }

// RunsPrefix is the folder of the replays.
func (l Layout) RunsPrefix() string { return l.root + "/runs/" }

func (l Layout) folder(k ObjectKind) string {
	p, err := l.prefix(Object{Kind: k}, 0)
	if err != nil {
		panic(err)
	}
	return p
}

// DataPrefix is the folder of a dataset.
func (l Layout) DataPrefix(dataset string) (string, error) {
	p, err := l.Pattern(dataset)
	if err != nil {
		return "", err
	}
	open := strings.IndexByte(p, '{')
	return p[:strings.LastIndexByte(p[:open], '/')+1], nil
}
