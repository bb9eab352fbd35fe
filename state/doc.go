// Package state is the memory of one shard: a Pebble store that folds the sections of cuts, hands over everything
// known at the close of a slice in one forward scan, rolls to the next slice, and is saved to and restored from
// checkpoints in an object store. What it stores per key is drawn in docs/formats.md. It leaves to others when to
// fold, close and checkpoint, how objects are named, and the arithmetic of features.
//
// Every change is atomic: a fold, a boot day and a roll each become visible as a whole or not at all. Nothing on the
// local disk has to survive a crash, because a lost shard starts from its newest checkpoint and folds the cuts after
// it again; so there is no write-ahead log and, unless Config.Sync says so, no fsync.
//
// A Store and an Archive belong to one goroutine each, normally that of the shard. Keep, CollectFiles and Metrics
// may be used from any.
package state
