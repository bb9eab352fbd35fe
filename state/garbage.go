package state

import (
	"cmp"
	"slices"
	"time"

	"ndr/feature"
)

// What garbage collection leaves alone.
const (
	keepCheckpoints = 3
	checkpointAge   = 24 * time.Hour
	fileAge         = 24 * time.Hour
)

// StoredCheckpoint is a checkpoint of a shard as a listing shows it.
type StoredCheckpoint struct {
	Key      string
	Last     feature.Slice // last closed slice
	Modified time.Time
}

// Keep splits the checkpoints of one shard into those to keep, the newest 3 and those younger than 24 h, and those to
// delete. Both are in order of their slices.
func Keep(now time.Time, checkpoints []StoredCheckpoint) (keep, drop []StoredCheckpoint) {
	sorted := slices.Clone(checkpoints)
	slices.SortFunc(sorted, func(a, b StoredCheckpoint) int { return cmp.Compare(a.Last, b.Last) })
	for i, c := range sorted {
		if i >= len(sorted)-keepCheckpoints || now.Sub(c.Modified) < checkpointAge {
			keep = append(keep, c)
		} else {
			drop = append(drop, c)
		}
	}
	return keep, drop
}

// StoredFile is a content-addressed object as a listing shows it. Name is what ArchiveConfig.FileKey was given.
type StoredFile struct {
	Key, Name string
	Modified  time.Time
}

// CollectFiles returns the files to delete: those that are a day old and that none of the checkpoints names. The
// checkpoints are the kept ones of all shards; if one of them cannot be read, nothing must be collected. List the
// files before the checkpoints: a file of a checkpoint that is created meanwhile is younger than a day, or named by
// the checkpoint before it.
func CollectFiles(now time.Time, files []StoredFile, kept []*CheckpointManifest) (drop []StoredFile) {
	named := map[string]bool{}
	for _, m := range kept {
		for _, f := range m.Files {
			named[f.objectName()] = true
		}
	}
	for _, f := range files {
		if !named[f.Name] && now.Sub(f.Modified) >= fileAge {
			drop = append(drop, f)
		}
	}
	return drop
}
