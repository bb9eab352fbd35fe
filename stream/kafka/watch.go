package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// maxMissing is how many looks in a row must find no topic before it counts as deleted: brokers that start again
// sometimes do not know their topics yet.
const maxMissing = 5

// watch looks at the topic now and then: added partitions are announced, another topic of the same name ends Run.
func (ss *session) watch(ctx context.Context) {
	ticker := time.NewTicker(ss.src.cfg.Refresh)
	defer ticker.Stop()
	adm, missing := kadm.NewClient(ss.poller.cl), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := ss.src.refresh(ctx, adm)
		if missing++; !errors.Is(err, kerr.UnknownTopicOrPartition) {
			missing = 0
		}
		switch {
		case err == nil || ctx.Err() != nil:
		case missing >= maxMissing, errors.Is(err, kerr.UnknownTopicID):
			ss.fail(err)
		default:
			ss.src.metrics.Errors.WithLabelValues("watch").Inc()
			ss.src.log.Warn("look at the topic failed", "err", err)
		}
	}
}

// refresh looks at the topic once.
func (s *Source) refresh(ctx context.Context, adm *kadm.Client) error {
	t, err := lookAt(ctx, adm, s.cfg.Topic)
	if err != nil {
		return err
	}
	if was := s.known().id; t.id != was {
		return recreated(s.cfg.Topic, was, t.id)
	}
	s.mu.Lock()
	announced := s.mu.announced
	s.mu.Unlock()
	if len(t.earliest) <= announced || s.cfg.Group == "" {
		return nil // a bounded source reads its ranges and nothing else
	}
	if err := t.bounds(ctx, adm); err != nil {
		return err
	}
	if s.deps.Announce != nil {
		if err := s.deps.Announce(ctx, t.description()); err != nil {
			return fmt.Errorf("announce partitions of topic %s: %w", s.cfg.Topic, err)
		}
	}
	s.log.Info("partitions added", "from", announced, "to", len(t.earliest))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.announced = len(t.earliest)
	close(s.mu.changed)
	s.mu.changed = make(chan struct{})
	return nil
}

// awaitAnnounced blocks until the partition is announced, or returns the error of ctx.
func (s *Source) awaitAnnounced(ctx context.Context, partition int32) error {
	for {
		s.mu.Lock()
		ready, changed := int(partition) < s.mu.announced, s.mu.changed
		s.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
