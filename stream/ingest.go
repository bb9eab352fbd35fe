package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ndr/feature"
	"ndr/flow"
)

// IngestConfig sets up the ingest stage.
type IngestConfig struct {
	Source          string        // name of the source, part of every cut's key
	Shards          int           // of the root
	Clock           feature.Clock // of the root
	EventByStart    bool          // event time is the start of a flow and not its end
	AllowedLateness time.Duration // how far the watermark stays behind the largest event time
	MaxFutureSkew   time.Duration // an event later than record time + this is rejected
	MaxPast         time.Duration // an event earlier than record time - this is rejected
	PairTimeout     time.Duration // how long a half waits for its mirror, in event time
	IdleTimeout     time.Duration // without an accepted record for this long a partition may be idle
	MaxCutInterval  time.Duration // longest time between cuts of a partition with new records
	MaxCutRecords   int64         // cut after this many records; 0: no such limit
	Memory          int64         // bytes that the rows of all partitions may take before they are cut
	CarryBudget     int64         // bytes that the waiting halves of one partition may take
	Kept            int           // K, earliest flows kept per outbound pair and slice
	Ceiling         int64         // latest event time of records that have no record time (files), nanoseconds
	Internal        *feature.Networks
	Ports           *feature.PortSets
	ConfigDigest    string // of the ingest configuration
	Writer          string // build that writes the cuts
	NewDecoder      func() (flow.Decoder, error)
	Now             func() time.Time
}

// Ingest is the ingest stage of one process: it turns the records of every partition that a Source hands it into
// cuts.
type Ingest struct {
	cfg     IngestConfig
	ctl     *Control
	onCut   func() // tells the feature stage of this process
	log     *slog.Logger
	metrics *Metrics
	mu      struct {
		sync.Mutex
		loaded    map[string]*partition // by Position, for the Consume that follows
		committed map[string]int64
		marks     map[string]int64 // watermark of the last cut of each partition that this process reads
		bytes     map[string]int64 // memory of each partition
		failing   map[string]error // partitions whose cut cannot be stored at the moment
	}
}

var _ Consumer = (*Ingest)(nil)

// IngestDeps is what the stage works with. OnCut may be nil.
type IngestDeps struct {
	Control *Control
	OnCut   func()
	Log     *slog.Logger
	Metrics *Metrics
}

// NewIngest makes the stage; a Source drives it.
func NewIngest(cfg IngestConfig, d IngestDeps) *Ingest {
	in := &Ingest{cfg: cfg, ctl: d.Control, onCut: d.OnCut, log: d.Log, metrics: d.Metrics}
	if in.onCut == nil {
		in.onCut = func() {}
	}
	in.mu.loaded = make(map[string]*partition)
	in.mu.committed = make(map[string]int64)
	in.mu.marks = make(map[string]int64)
	in.mu.bytes = make(map[string]int64)
	in.mu.failing = make(map[string]error)
	return in
}

// Position is the end of the partition's last cut, or its start in the topology.
func (in *Ingest) Position(ctx context.Context, name string) (int64, error) {
	var p *partition
	for {
		var err error
		if p, err = in.load(ctx, name); err == nil {
			break
		}
		if !temporary(err) {
			return 0, err
		}
		in.metrics.Errors.WithLabelValues("position").Inc()
		in.log.Warn("find the position of a partition failed, trying again", "partition", name, "err", err)
		if sleep(ctx, retryPause) != nil {
			return 0, err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.loaded[name] = p
	return p.next, nil
}

// load makes the partition as its last cut left it. A partition that is not registered is not read; a registered
// one of which cuts should exist must have them.
func (in *Ingest) load(ctx context.Context, name string) (*partition, error) {
	t, err := in.ctl.LoadTopology(ctx, in.cfg.Source)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, &BrokenError{fmt.Errorf("read partition %s: source %s has no topology", name, in.cfg.Source)}
	}
	reg := t.Partition(name)
	if reg == nil || reg.Ended {
		return nil, &BrokenError{fmt.Errorf("read partition %s: it is not registered, or has ended", name)}
	}
	p, err := newPartition(&in.cfg, name)
	if err != nil {
		return nil, err
	}
	n, err := in.ctl.lastCut(ctx, in.cfg.Source, name)
	if err != nil {
		return nil, fmt.Errorf("find the last cut of partition %s: %w", name, err)
	}
	if n == 0 {
		if err := in.neverClosed(ctx, name); err != nil {
			return nil, err
		}
		p.start(reg.Start, reg.Watermark)
		return p, nil
	}
	c, err := openCut(ctx, in.ctl, in.cfg.Source, name, n)
	if err != nil {
		return nil, err
	}
	return p, in.adopt(ctx, p, c)
}

// neverClosed makes sure that a partition without cuts never had any: a close record that names one proves that
// the log was damaged, and starting again would count records twice.
func (in *Ingest) neverClosed(ctx context.Context, name string) error {
	r, err := in.ctl.newestClose(ctx)
	if err != nil || r == nil {
		return err
	}
	if n := r.Partitions[name]; n > 0 {
		return &BrokenError{fmt.Errorf("partition %s has no cuts, but the close record of %s names its cut %d", name, r.Name, n)}
	}
	return nil
}

func (in *Ingest) adopt(ctx context.Context, p *partition, c *Cut) error {
	halves, err := c.readCarry(ctx, in.ctl.Objects)
	if err != nil {
		return err
	}
	return p.adopt(&c.Header, halves)
}

// Committed is the end of the partition's last cut, once this process knows it.
func (in *Ingest) Committed(name string) (int64, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	v, ok := in.mu.committed[name]
	return v, ok
}

// Consume reads one partition until it ends, is taken away, or breaks.
func (in *Ingest) Consume(ctx context.Context, name string, r Reader) error {
	in.mu.Lock()
	p := in.mu.loaded[name]
	delete(in.mu.loaded, name)
	in.mu.Unlock()
	if p == nil {
		return fmt.Errorf("consume partition %s: its position was not asked for", name)
	}
	if p.watermark == EndOfInput {
		return nil // everything has been read
	}
	enc, err := newCutEncoder()
	if err != nil {
		return err
	}
	w := &worker{in: in, p: p, reader: r, enc: enc, log: in.log.With("source", in.cfg.Source, "partition", name)}
	w.noteCut(p.next)
	defer in.forget(name)
	return w.run(ctx)
}

func (in *Ingest) forget(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.mu.bytes, name)
	delete(in.mu.marks, name)
	delete(in.mu.failing, name)
}

// othersMark is the smallest watermark of the other partitions, for one that never had a record: those that this
// process reads, and the last cuts of the rest.
func (in *Ingest) othersMark(ctx context.Context, name string) (int64, bool, error) {
	t, err := in.ctl.LoadTopology(ctx, in.cfg.Source)
	if err != nil || t == nil {
		return 0, false, err
	}
	least, found := int64(0), false
	for i := range t.Partitions {
		o := &t.Partitions[i]
		if o.Name == name || o.Ended {
			continue
		}
		mark, ok, err := in.markOf(ctx, o.Name)
		if err != nil {
			return 0, false, err
		}
		if ok && (!found || mark < least) {
			least, found = mark, true
		}
	}
	return least, found, nil
}

// markOf is the watermark of a partition's last cut.
func (in *Ingest) markOf(ctx context.Context, name string) (int64, bool, error) {
	in.mu.Lock()
	mark, ok := in.mu.marks[name]
	in.mu.Unlock()
	if !ok {
		n, err := in.ctl.lastCut(ctx, in.cfg.Source, name)
		if err != nil || n == 0 {
			return 0, false, err
		}
		c, err := openCut(ctx, in.ctl, in.cfg.Source, name, n)
		if err != nil {
			return 0, false, err
		}
		mark = c.Header.Watermark
	}
	return mark, mark != NoWatermark, nil
}

// Failing returns the partitions whose cuts cannot be stored at the moment, with the last error, for readiness.
func (in *Ingest) Failing() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	var errs []error
	for name, err := range in.mu.failing {
		errs = append(errs, fmt.Errorf("partition %s: %w", name, err))
	}
	return errors.Join(errs...)
}

// crowded reports whether the partition should cut now so that all of them stay within the memory budget: the
// budget is used up and the partition has at least its share.
func (in *Ingest) crowded(name string, bytes int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.bytes[name] = bytes
	sum := int64(0)
	for _, b := range in.mu.bytes {
		sum += b
	}
	return bytes > maxCutMemory || sum > in.cfg.Memory && bytes >= in.cfg.Memory/int64(len(in.mu.bytes))
}

// maxCutMemory keeps a cut's object below 256 MiB whatever the budget: rows take less room there than in memory.
const maxCutMemory = 256 << 20
