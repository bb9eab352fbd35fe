package stream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *IngestConfig) { c.MaxCutInterval = 24 * time.Hour })
		b.cut("p", CutHeader{Watermark: at(5 * time.Minute), MaxEvent: at(7 * time.Minute)})
		b.start()
		b.feed.push(flowAt("14m30s")) // watermark 12m30s
		time.Sleep(30 * time.Second)
		b.feed.push("reject malformed") // no accepted record: does not count
		time.Sleep(119 * time.Second)
		b.want(" 0-0 5m0s 0") // 14m59s, and the log was not asked, since no slice end is passed
		if n := b.feed.looks(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(5 * time.Second)
		b.want(" 0-0 5m0s 0") // the log holds more
		if b.feed.looks() == 0 {
			t.Error("the log was not asked")
		}
		b.feed.set(func(f *feed) { f.atEnd = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 || !strings.HasPrefix(got[1], "idle 0-2 15m") {
			t.Errorf("got %q", got)
		}
		// Idle time passes at the pace of the clock: the next slice end is 15 minutes away.
		time.Sleep(14 * time.Minute)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 {
			t.Errorf("got %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.stored(); len(got) != 3 || !strings.HasPrefix(got[2], "idle 2-2 30m") {
			t.Errorf("got %q", got)
		}
		b.end()
	})
}

// TestIdleSinceAssignment: a new owner does not know how long the partition was silent before.
func TestIdleSinceAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.cut("p", CutHeader{To: 7, Watermark: at(14 * time.Minute), MaxEvent: at(16 * time.Minute)})
		time.Sleep(time.Hour)
		b.feed.set(func(f *feed) { f.atEnd = true })
		b.start()
		time.Sleep(59 * time.Second)
		b.want(" 0-7 14m0s 0")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := b.stored(); len(got) != 2 || !strings.HasPrefix(got[1], "idle 7-7 15m") {
			t.Errorf("got %q", got)
		}
		b.end()
	})
}

// TestIdleWithoutRecords: a partition that never had a record takes the smallest watermark of the others, and does not
// look for it every second.
func TestIdleWithoutRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.topology(TopologyPartition{Name: "p", Watermark: NoWatermark}, TopologyPartition{Name: "q"}, TopologyPartition{Name: "r"},
			TopologyPartition{Name: "none"}, TopologyPartition{Name: "gone", Ended: true})
		b.cut("gone", CutHeader{Watermark: at(0)})
		b.feed.set(func(f *feed) { f.atEnd = true })
		b.start()
		time.Sleep(10 * time.Minute)
		b.want()
		b.cut("q", CutHeader{Watermark: at(40 * time.Minute)})
		b.cut("r", CutHeader{Watermark: at(31 * time.Minute)})
		time.Sleep(time.Minute + 2*time.Second)
		b.want("idle 0-0 31m0s 0")
		b.cut("r", CutHeader{Watermark: at(44 * time.Minute)})
		time.Sleep(2 * time.Minute)
		b.want("idle 0-0 31m0s 0") // no slice end passed
		lists := b.store.listed()
		time.Sleep(10 * time.Minute)
		if n := b.store.listed() - lists; n > 10*5 {
			t.Errorf("%d listings in 10 minutes", n)
		}
		b.cut("q", CutHeader{Watermark: EndOfInput})
		b.cut("r", CutHeader{Watermark: EndOfInput})
		time.Sleep(10 * time.Minute)
		b.want("idle 0-0 31m0s 0") // the others have ended: nothing to go by
		b.end()
	})
}
