package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveTimeout bounds how long a member that stops waits for the group's coordinator.
const leaveTimeout = 10 * time.Second

// shared consumes the partitions that the group gives to this member, until Run ends.
func (ss *session) shared() {
	group, err := ss.join()
	if err != nil {
		ss.fail(fmt.Errorf("join group %s: %w", ss.src.cfg.Group, err))
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { ss.watch(ss.life) })
	wg.Go(func() { ss.mirror(ss.life, group) })
	wg.Go(func() { ss.heed(ss.life, group) })
	<-ss.life.Done()
	ss.close()
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ss.life), leaveTimeout)
	defer cancel()
	ss.commit(ctx, group, ss.src.ownedNumbers())
	if err := group.LeaveGroupContext(ctx); err != nil {
		ss.src.metrics.Errors.WithLabelValues("group").Inc()
		ss.src.log.Warn("leave group failed, its session will time out", "err", err)
	}
	group.Close()
}

// join makes the client that is a member of the group. It fetches no records: positions are not the group's to give,
// and the fetch client reads.
func (ss *session) join() (*kgo.Client, error) {
	c := &ss.src.cfg
	opts, err := ss.src.connection()
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topic), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.SessionTimeout(c.SessionTimeout), kgo.RebalanceTimeout(c.RebalanceTimeout),
		kgo.HeartbeatInterval(min(3*time.Second, c.SessionTimeout/5)),
		kgo.AdjustFetchOffsetsFn(func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return nil, nil
		}),
		kgo.OnPartitionsAssigned(ss.assigned), kgo.OnPartitionsRevoked(ss.revoked), kgo.OnPartitionsLost(ss.lost))
	if c.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(c.InstanceID))
	}
	return kgo.NewClient(opts...)
}

func (ss *session) assigned(_ context.Context, _ *kgo.Client, m map[string][]int32) {
	if ps := m[ss.src.cfg.Topic]; len(ps) > 0 {
		ss.src.metrics.Rebalances.WithLabelValues("assigned").Inc()
		ss.src.log.Info("partitions assigned", "partitions", ps)
		ss.start(ps)
	}
}

func (ss *session) revoked(ctx context.Context, group *kgo.Client, m map[string][]int32) {
	if ps := m[ss.src.cfg.Topic]; len(ps) > 0 {
		ss.src.metrics.Rebalances.WithLabelValues("revoked").Inc()
		ss.src.log.Info("partitions revoked", "partitions", ps)
		ss.stop(ps, ss.src.cfg.RebalanceTimeout)
		ss.commit(ctx, group, ps)
	}
}

// lost is called when the group went on without this member: the partitions may have other owners already, and the
// group would not take a position from here.
func (ss *session) lost(_ context.Context, _ *kgo.Client, m map[string][]int32) {
	if ps := m[ss.src.cfg.Topic]; len(ps) > 0 {
		ss.src.metrics.Rebalances.WithLabelValues("lost").Inc()
		ss.src.log.Warn("partitions lost", "partitions", ps)
		ss.stop(ps, ss.src.cfg.RebalanceTimeout)
	}
}

// mirror tells the group from time to time how far the partitions are.
func (ss *session) mirror(ctx context.Context, group *kgo.Client) {
	ticker := time.NewTicker(ss.src.cfg.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			ss.commit(ctx, group, ss.src.ownedNumbers())
		}
	}
}

// commit mirrors the positions that changed. Nobody relies on them, so errors are only counted and logged.
func (ss *session) commit(ctx context.Context, group *kgo.Client, partitions []int32) {
	offsets := make(map[int32]kgo.EpochOffset)
	ss.mu.Lock()
	for _, p := range partitions {
		at, ok := ss.consumer.Committed(name(p))
		if last, known := ss.mu.mirrored[p]; ok && !(known && last == at) {
			offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: at}
		}
	}
	ss.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	group.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{ss.src.cfg.Topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			ss.noteMirrored(offsets, resp, err)
		})
}

func (ss *session) noteMirrored(offsets map[int32]kgo.EpochOffset, resp *kmsg.OffsetCommitResponse, err error) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if err == nil && resp != nil {
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if e := kerr.ErrorForCode(p.ErrorCode); e != nil {
					err = e
					continue
				}
				ss.mu.mirrored[p.Partition] = offsets[p.Partition].Offset
			}
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		ss.src.metrics.Errors.WithLabelValues("commit").Inc()
		ss.src.log.Warn("mirror positions to the group failed", "err", err)
	}
}

// heed waits for errors of the group client. Most mean that it tries again; a member that the group will never take
// ends Run.
func (ss *session) heed(ctx context.Context, group *kgo.Client) {
	for {
		fetches := group.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			for _, final := range []error{kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InvalidGroupID,
				kerr.InvalidSessionTimeout, kerr.InconsistentGroupProtocol, kerr.FencedInstanceID, kerr.GroupMaxSizeReached,
				kerr.SaslAuthenticationFailed} {
				if errors.Is(err, final) {
					ss.fail(fmt.Errorf("join group %s: %w", ss.src.cfg.Group, err))
					return
				}
			}
			ss.src.metrics.Errors.WithLabelValues("group").Inc()
			ss.src.log.Warn("group session ended, joining again", "err", err)
		})
	}
}
