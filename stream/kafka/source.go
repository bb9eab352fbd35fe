package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"ndr/stream"
)

// describeTimeout is how long the cluster may take to answer at the start.
const describeTimeout = 20 * time.Second

// Deps is what a source works with.
type Deps struct {
	Log     *slog.Logger
	Metrics *Metrics
	Now     func() time.Time
	// Announce is called, by one goroutine, when Run sees partitions that Describe did not return: it registers
	// them, so that Consumer.Position knows them. Until it has returned nil the new partitions are not read; an
	// error is logged and the call is repeated. Every member calls it. Nil: new partitions are taken as registered.
	Announce func(context.Context, stream.Description) error
	// OwnershipChanged is called with the names of the partitions of this member, sorted, when they changed. It must
	// be quick: the group waits for it. It may be nil.
	OwnershipChanged func(owned []string)
}

// Source reads one topic. It implements stream.Source.
type Source struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics
	now     func() time.Time
	deps    Deps
	mu      struct {
		sync.Mutex
		topic     *topic          // nil before Describe
		ends      map[int32]int64 // of a bounded source: where the range of each partition ends
		announced int             // partitions below this number are registered
		changed   chan struct{}   // closed and replaced when announced grows
		owned     map[int32]bool
	}
}

var _ stream.Source = (*Source)(nil)

// New makes a source from a valid configuration. It reaches for nothing before Describe or Run.
func New(cfg Config, d Deps) *Source {
	s := &Source{cfg: cfg.withDefaults(), log: d.Log.With("topic", cfg.Topic), metrics: d.Metrics, now: d.Now, deps: d}
	s.mu.changed = make(chan struct{})
	s.mu.owned = make(map[int32]bool)
	return s
}

// Describe asks the cluster for the topic. Partitions are named by their numbers. Of a bounded source, Partitions are
// those with a range, Earliest is where the ranges begin, and Inputs are the ranges, for ParseRange.
func (s *Source) Describe(ctx context.Context) (stream.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	cl, err := s.admin()
	if err != nil {
		return stream.Description{}, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	t, err := lookAt(ctx, adm, s.cfg.Topic)
	if err == nil {
		err = t.bounds(ctx, adm)
	}
	if err != nil {
		return stream.Description{}, s.explain(err)
	}
	d := t.description()
	var ends map[int32]int64
	if s.cfg.Group == "" {
		ranges, err := s.cfg.resolve(ctx, adm, t)
		if err != nil {
			return stream.Description{}, err
		}
		d.Partitions, d.Earliest, ends = nil, nil, make(map[int32]int64)
		for _, r := range ranges {
			d.Partitions, d.Earliest = append(d.Partitions, name(r.Partition)), append(d.Earliest, r.From)
			d.Inputs, ends[r.Partition] = append(d.Inputs, r.String()), r.To
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.topic, s.mu.ends, s.mu.announced = t, ends, len(t.earliest)
	return d, nil
}

// Run reads until ctx ends, which is no error, or, without a group, until the ranges are read. Errors that more
// waiting cannot cure end it: a position that the log no longer has, a topic that was made again, wrong credentials,
// and what Position and Consume return.
func (s *Source) Run(ctx context.Context, c stream.Consumer) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	cl, err := s.fetcher()
	if err != nil {
		return err
	}
	defer cl.Close()
	ss := newSession(ctx, s, c, cl)
	polling, stop := context.WithCancel(context.WithoutCancel(ctx))
	go ss.poller.run(polling)
	if s.cfg.Group == "" {
		ss.bounded()
	} else {
		ss.shared()
	}
	stop()
	<-ss.poller.stopped
	return ss.err()
}

// prepare describes the topic if that was not done, and announces what it finds.
func (s *Source) prepare(ctx context.Context) error {
	if s.known() != nil {
		return nil
	}
	d, err := s.Describe(ctx)
	if err != nil || s.deps.Announce == nil {
		return err
	}
	if err := s.deps.Announce(ctx, d); err != nil {
		return fmt.Errorf("announce partitions of topic %s: %w", s.cfg.Topic, err)
	}
	return nil
}

func (s *Source) known() *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.topic
}

// end is where reading of the partition ends.
func (s *Source) end(partition int32) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to, ok := s.mu.ends[partition]; ok {
		return to
	}
	return math.MaxInt64
}

// Owned returns the names of the partitions of this member, sorted.
func (s *Source) Owned() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for p := range s.mu.owned {
		out = append(out, name(p))
	}
	slices.Sort(out)
	return out
}

// own notes that partitions were given or taken away, and tells.
func (s *Source) own(partitions []int32, mine bool) {
	if len(partitions) == 0 {
		return
	}
	s.mu.Lock()
	for _, p := range partitions {
		if delete(s.mu.owned, p); mine {
			s.mu.owned[p] = true
		}
	}
	n := len(s.mu.owned)
	s.mu.Unlock()
	s.metrics.Owned.Set(float64(n))
	if s.deps.OwnershipChanged != nil {
		s.deps.OwnershipChanged(s.Owned())
	}
}

func (s *Source) ownedNumbers() []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.mu.owned))
}
