// Package kafka is the source of flow logs in a Kafka topic: live, as a member of a consumer group, or bounded, over
// given ranges of offsets without a group.
//
// Two clients share the work. The group client only learns which partitions this member has: it fetches nothing, and
// the offsets that it commits are a mirror for lag tools. The fetch client reads the partitions directly, from the
// positions that the consumer names; it never resets an offset by itself, and a position that the log no longer has
// ends Run with an error.
//
// One goroutine polls the fetch client and hands records to a bounded queue per partition; each partition is consumed
// by a goroutine of its own. A Source may be used once: Describe, then Run; Owned may be called from anywhere.
package kafka
