package state

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ndr/feature"
)

var sameValue = cmp.Options{cmp.AllowUnexported(feature.Sketch{}), cmpopts.IgnoreUnexported(pairValue{}), cmpopts.EquateEmpty()}

func randomCounters(r *rand.Rand) (c feature.HostCounters) {
	for i := range c.Sum {
		if r.IntN(2) == 0 {
			c.Sum[i] = r.Int64() >> r.IntN(64)
		}
	}
	for i := range c.Minute {
		if r.IntN(3) == 0 {
			c.Minute[i] = r.Int64N(1000)
		}
	}
	return c
}

func randomKept(r *rand.Rand, most int) (kept []feature.KeptFlow) {
	for range r.IntN(most + 1) {
		kept = append(kept, feature.KeptFlow{Start: int32(r.Uint32()), Duration: r.Uint32(), Bytes: r.Int64(), Port: uint16(r.Uint32())})
	}
	slices.SortFunc(kept, feature.KeptFlow.Compare)
	return kept
}

func randomPairCounters(r *rand.Rand) feature.PairCounters {
	return feature.PairCounters{Sessions: r.Int64N(100), BytesSrc: r.Int64() >> 3, BytesDst: r.Int64() >> 3,
		Res: feature.TimeRes(r.IntN(5)), Kept: randomKept(r, 3)}
}

func randomRing(r *rand.Rand) (ring []feature.DeltaEntry) {
	s := feature.Slice(r.Int64N(1000) - 500)
	for range r.IntN(20) {
		c := randomCounters(r)
		e := feature.DeltaEntry{Slice: s, Sum: c.Sum, MaxPerMinute: c.MaxPerMinute()}
		if r.IntN(8) == 0 {
			e.Approximate, e.Peers, e.Ports = true, new(feature.Sketch), new(feature.Sketch)
			e.Peers.AddPort(uint16(r.Uint32()))
			e.Ports.AddPort(uint16(r.Uint32()))
		}
		ring = append(ring, e)
		s += feature.Slice(1 + r.IntN(30))
	}
	return ring
}

func randomPair(r *rand.Rand) (v pairValue) {
	v.First = feature.Slice(r.Int64N(1000) - 500)
	v.Last = v.First + feature.Slice(r.IntN(3000))
	v.Res = feature.TimeRes(r.IntN(5))
	for day := int32(-5); day < 5; day++ {
		if r.IntN(2) == 0 {
			v.Days = append(v.Days, feature.DayCount{Day: day, Sessions: r.Int64N(1000)})
		}
	}
	for s := v.First; s < v.First+20; s++ {
		if r.IntN(2) == 0 {
			v.Slices = append(v.Slices, feature.PairSlice{Slice: s, Sessions: r.Int64N(9), BytesSrc: r.Int64N(1 << 40), BytesDst: r.Int64N(1 << 40), Kept: randomKept(r, 3)})
		}
	}
	return v
}

// TestRoundTrips also checks that a value cut short, or with a byte too many, is an error.
func TestRoundTrips(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	check := func(name string, b []byte, got, want any, decode func([]byte) error) {
		t.Helper()
		if err := decode(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(got, want, sameValue); d != "" {
			t.Fatalf("%s (-got +want):\n%s", name, d)
		}
		for n := range b {
			if n < 40 && decode(b[:n]) == nil {
				t.Fatalf("%s: the first %d of %d bytes are accepted", name, n, len(b))
			}
		}
		if decode(append(bytes.Clone(b), 0)) == nil {
			t.Fatalf("%s: a byte too many is accepted", name)
		}
		other := bytes.Clone(b)
		other[0]++
		if decode(other) == nil {
			t.Fatalf("%s: an unknown version is accepted", name)
		}
	}
	for range 100 {
		host, pair, ring, closed := randomCounters(r), randomPairCounters(r), randomRing(r), randomPair(r)
		var gotHost feature.HostCounters
		check("host", appendCounters(nil, &host), &gotHost, &host, func(b []byte) error { return decodeCounters(b, &gotHost) })
		var gotPair feature.PairCounters
		check("open pair", appendOpenPairValue(nil, &pair), &gotPair, &pair, func(b []byte) error { return decodeOpenPairValue(b, &gotPair) })
		var gotRing []feature.DeltaEntry
		check("ring", appendRing(nil, ring), &gotRing, &ring, func(b []byte) (err error) {
			gotRing, err = decodeRing(b, minSlice, gotRing[:0])
			return err
		})
		var gotClosed pairValue
		check("pair", closed.append(nil), &gotClosed, &closed, func(b []byte) error { return gotClosed.decode(b, minSlice, minDay) })
		reject := feature.Reject{Position: r.Int64() - 1<<62, Item: r.IntN(9), Reason: "malformed", Detail: "x", Raw: []byte{0, 255}}
		var gotReject feature.Reject
		check("reject", appendReject(nil, &reject), &gotReject, &reject, func(b []byte) error { return decodeReject(b, &gotReject) })
		part := PartitionMeta{r.Uint64(), r.Int64() - 1<<62}
		var gotPart PartitionMeta
		check("partition", part.append(nil), &gotPart, &part, gotPart.decode)
		meta := Meta{LogicVersion: "v", HasClosed: true, LastClosed: -7, HasFirst: r.IntN(2) == 0, FirstKnown: -1, BootDays: []int32{-3, 4}}
		var gotMeta Meta
		check("meta", meta.appendProgress(nil), &gotMeta, &meta, gotMeta.decodeProgress)
	}
}

func TestDecodeTrims(t *testing.T) {
	v := pairValue{First: 1, Last: 9,
		Days:   []feature.DayCount{{Day: 1, Sessions: 1}, {Day: 2, Sessions: 2}, {Day: 3, Sessions: 3}},
		Slices: []feature.PairSlice{{Slice: 1, Kept: []feature.KeptFlow{{Start: 1}}}, {Slice: 9, Kept: []feature.KeptFlow{{Start: 2}}}}}
	var got pairValue
	if err := got.decode(v.append(nil), 2, 2); err != nil {
		t.Fatal(err)
	}
	v.Days, v.Slices = v.Days[1:], v.Slices[1:]
	if d := cmp.Diff(got, v, sameValue); d != "" {
		t.Errorf("pair (-got +want):\n%s", d)
	}
	ring, err := decodeRing(appendRing(nil, []feature.DeltaEntry{{Slice: -5}, {Slice: 0}, {Slice: 3}}), 0, nil)
	if d := cmp.Diff(ring, []feature.DeltaEntry{{Slice: 0}, {Slice: 3}}, sameValue); d != "" || err != nil {
		t.Errorf("ring: %v (-got +want):\n%s", err, d)
	}
}

// TestKeyOrder checks that keys sort as the scan and the visitor want it.
func TestKeyOrder(t *testing.T) {
	var hosts []feature.HostRow
	for _, s := range []feature.Slice{-3, -1, 0, 1, 300} {
		for _, h := range worldHosts {
			for role := range feature.Role(2) {
				hosts = append(hosts, feature.HostRow{Slice: s, Host: h, Role: role})
			}
		}
	}
	for i := range hosts[1:] {
		a, b := hosts[i], hosts[i+1]
		ka, kb := appendOpenHost(nil, a.Slice, a.Host, a.Role), appendOpenHost(nil, b.Slice, b.Host, b.Role)
		if bytes.Compare(ka, kb) >= 0 {
			t.Fatalf("key of %v is not below that of %v", a, b)
		}
	}
	slices.SortFunc(hosts, compareLate)
	for i := range hosts[1:] {
		if bytes.Compare(appendLateKey(nil, &hosts[i], "b", 9), appendLateKey(nil, &hosts[i+1], "a", 1)) >= 0 {
			t.Fatalf("late key of %v is not below that of %v", hosts[i], hosts[i+1])
		}
	}
	cuts := [][]byte{appendCut(nil, "a", 1), appendCut(nil, "a", 256), appendCut(nil, "ab", 0), appendCut(nil, "b", 0)}
	if !slices.IsSortedFunc(cuts, bytes.Compare) {
		t.Error("cut keys are not in order")
	}
	row := feature.LateRow{HostRow: hosts[3], Partition: "shardId-0001", Cut: 7}
	var got feature.LateRow
	if err := decodeLateKey(appendLateKey(nil, &row.HostRow, row.Partition, row.Cut), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, row); d != "" {
		t.Errorf("late key (-got +want):\n%s", d)
	}
}

// FuzzDecode checks that no decoder panics, and that what one accepts is read the same after encoding it again.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		host, pair, closed := randomCounters(r), randomPairCounters(r), randomPair(r)
		f.Add(appendCounters(nil, &host))
		f.Add(appendOpenPairValue(nil, &pair))
		f.Add(closed.append(nil))
		f.Add(appendRing(nil, randomRing(r)[:0]))
	}
	f.Add(appendRing(nil, []feature.DeltaEntry{{Slice: 3, MaxPerMinute: 1}}))
	f.Add((&Meta{BootDays: []int32{1}}).appendProgress(nil))
	f.Add(appendReject(nil, &feature.Reject{Reason: "x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(again error, got, want any) {
			t.Helper()
			if d := cmp.Diff(got, want, sameValue); again != nil || d != "" {
				t.Fatalf("read again: %v (-got +want):\n%s", again, d)
			}
		}
		var h, h2 feature.HostCounters
		if decodeCounters(b, &h) == nil {
			same(decodeCounters(appendCounters(nil, &h), &h2), h2, h)
		}
		var p, p2 feature.PairCounters
		if decodeOpenPairValue(b, &p) == nil {
			same(decodeOpenPairValue(appendOpenPairValue(nil, &p), &p2), p2, p)
		}
		var c, c2 pairValue
		if c.decode(b, minSlice, minDay) == nil {
			same(c2.decode(c.append(nil), minSlice, minDay), c2, c)
			lastSlice(b)
		}
		if ring, err := decodeRing(b, minSlice, nil); err == nil {
			again, err := decodeRing(appendRing(nil, ring), minSlice, nil)
			same(err, again, ring)
		}
		var m, m2 Meta
		if m.decodeProgress(b) == nil {
			same(m2.decodeProgress(m.appendProgress(nil)), m2, m)
		}
		var j, j2 feature.Reject
		if decodeReject(b, &j) == nil {
			same(decodeReject(appendReject(nil, &j), &j2), j2, j)
		}
		var l feature.LateRow
		decodeLateKey(append([]byte{kindLate}, b...), &l)
		splitUnit(b)
		ParseCheckpoint(b)
	})
}
