package state

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"ndr/feature"
)

// Config says where a store lies and how it works.
type Config struct {
	Dir          string        // the folder of the store; it belongs to the store alone
	Clock        feature.Clock // that of the root
	LogicVersion string        // kept in the store and its checkpoints: which program made them

	Kept            int // K, the earliest flows that an outbound pair keeps per slice; 0 is feature.DefaultKept
	MaxPairsPerHost int // pairs kept of a (slice, host, role); 0 is feature.DefaultMaxPairsPerHost
	MaxPortsPerPeer int // ports kept of each of its peers; 0 is feature.DefaultMaxPortsPerPeer

	CacheBytes    int64 // block cache, outside the Go heap; 0 is 16 MiB
	MemTableBytes int64 // memtable for small folds, outside the Go heap; 0 is 8 MiB

	FS   vfs.FS // nil is the disk
	Sync bool   // fsync what is written; see the package comment

	Logger  *slog.Logger     // nil is slog.Default
	Fatal   func(msg string) // called once Pebble cannot go on; it must not return. nil panics
	Metrics *Metrics         // nil counts nothing
	Shard   int              // label of the metrics and key of the log
}

// withDefaults fills in the fields that may be left zero.
func (c Config) withDefaults() Config {
	c.Kept = orDefault(c.Kept, feature.DefaultKept)
	c.MaxPairsPerHost = orDefault(c.MaxPairsPerHost, feature.DefaultMaxPairsPerHost)
	c.MaxPortsPerPeer = orDefault(c.MaxPortsPerPeer, feature.DefaultMaxPortsPerPeer)
	c.CacheBytes = orDefault(c.CacheBytes, 16<<20)
	c.MemTableBytes = orDefault(c.MemTableBytes, 8<<20)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if !c.Sync {
		c.FS = unsyncedFS{c.FS}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = c.Logger.With("shard", c.Shard)
	if c.Fatal == nil {
		c.Fatal = func(msg string) { panic("state: " + msg) }
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return c
}

func orDefault[T int | int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Validate reports all faults of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("state folder is empty"))
	}
	if c.Clock.Offset < 0 || c.Clock.Offset >= feature.SliceLength {
		errs = append(errs, fmt.Errorf("slice offset %v is not within [0, %v)", c.Clock.Offset, feature.SliceLength))
	}
	for _, v := range []struct {
		name  string
		value int64
	}{
		{"kept flows", int64(c.Kept)}, {"max pairs per host", int64(c.MaxPairsPerHost)},
		{"max ports per peer", int64(c.MaxPortsPerPeer)}, {"cache bytes", c.CacheBytes},
		{"memtable bytes", c.MemTableBytes},
	} {
		if v.value < 0 {
			errs = append(errs, fmt.Errorf("%s %d is negative", v.name, v.value))
		}
	}
	return errors.Join(errs...)
}
