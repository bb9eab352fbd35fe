package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ndr/feature"
)

// TestPartition runs the scripts of testdata/partition. The commands are:
//
//	config [lateness= pair-timeout= offset= by-start carry-budget= kept= skew= past= ceiling=]
//	     begins anew; the defaults are those of ingestConfig
//	start [position= watermark=]      places the partition without a cut
//	record [position= time= file=]    applies one record, whose lines are its items (see textDecoder)
//	rows                              shows the cut under construction
//	cut [cause=]                      freezes, stores and shows the cut; the object is read back and compared
//	idle to=                          an idle watermark
//	finish                            the end of the input
//	owner name=                       goes on with another owner's memory of the same partition
//	adopt n=                          goes on after the numbered cut, dropping the rows since
//	crash                             the next owner goes on after the last cut, or after start
func TestPartition(t *testing.T) {
	datadriven.Walk(t, "testdata/partition", func(t *testing.T, path string) {
		s := &script{t: t}
		s.config(&datadriven.TestData{})
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			return s.run(d)
		})
	})
}

type script struct {
	t      *testing.T
	cfg    IngestConfig
	begin  [2]int64 // position, watermark
	owners map[string]*partition
	name   string
	ctl    *Control
	enc    *cutEncoder
	last   uint64
	next   int64
}

func (s *script) p() *partition { return s.owners[s.name] }

func (s *script) run(d *datadriven.TestData) string {
	switch d.Cmd {
	case "config":
		s.config(d)
		return ""
	case "start":
		s.begin = [2]int64{s.number(d, "position", 0), s.time(d, "watermark", NoWatermark)}
		s.p().start(s.begin[0], s.begin[1])
		return s.state()
	case "record":
		return s.record(d)
	case "rows":
		return s.rows()
	case "cut":
		cause := causeInterval
		d.MaybeScanArgs(s.t, "cause", &cause)
		return s.cut(cause)
	case "idle":
		return fmt.Sprintf("%v\n%s", s.p().idle(s.time(d, "to", 0)), s.state())
	case "finish":
		s.p().finish()
		return s.state()
	case "owner":
		d.ScanArgs(s.t, "name", &s.name)
		if s.owners[s.name] == nil {
			s.owners[s.name] = s.fresh()
		}
		return s.state()
	case "adopt":
		s.adopt(uint64(s.number(d, "n", 0)))
		return s.state()
	case "crash":
		s.owners[s.name] = s.fresh()
		if s.last > 0 {
			s.adopt(s.last)
		}
		return s.state()
	}
	d.Fatalf(s.t, "no such command")
	return ""
}

func (s *script) config(d *datadriven.TestData) {
	s.cfg = ingestConfig(s.t)
	s.cfg.Shards = 1
	duration := func(key string, to *time.Duration) {
		if d.HasArg(key) {
			*to = s.duration(d, key)
		}
	}
	duration("lateness", &s.cfg.AllowedLateness)
	duration("pair-timeout", &s.cfg.PairTimeout)
	duration("offset", &s.cfg.Clock.Offset)
	duration("skew", &s.cfg.MaxFutureSkew)
	duration("past", &s.cfg.MaxPast)
	s.cfg.Ceiling = s.time(d, "ceiling", s.cfg.Ceiling)
	s.cfg.EventByStart = d.HasArg("by-start")
	s.cfg.CarryBudget = s.number(d, "carry-budget", s.cfg.CarryBudget)
	s.cfg.Kept = int(s.number(d, "kept", int64(s.cfg.Kept)))
	s.ctl = newControl(s.t, newStore())
	enc, err := newCutEncoder()
	if err != nil {
		s.t.Fatal(err)
	}
	s.enc, s.last, s.next, s.name, s.begin = enc, 0, 0, "a", [2]int64{0, NoWatermark}
	s.owners = map[string]*partition{"a": s.fresh()}
}

func (s *script) fresh() *partition {
	p, err := newPartition(&s.cfg, "p")
	if err != nil {
		s.t.Fatal(err)
	}
	p.start(s.begin[0], s.begin[1])
	return p
}

func (s *script) duration(d *datadriven.TestData, key string) time.Duration {
	var text string
	d.ScanArgs(s.t, key, &text)
	v, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(s.t, "%v", err)
	}
	return v
}

func (s *script) time(d *datadriven.TestData, key string, none int64) int64 {
	if !d.HasArg(key) {
		return none
	}
	return at(s.duration(d, key))
}

func (s *script) number(d *datadriven.TestData, key string, none int64) int64 {
	d.MaybeScanArgs(s.t, key, &none)
	return none
}

func (s *script) record(d *datadriven.TestData) string {
	p := s.p()
	r := Record{Position: s.number(d, "position", p.next), Value: []byte(d.Input)}
	if d.HasArg("time") {
		r.Time, r.TimeKnown = s.time(d, "time", 0), true
	}
	if d.HasArg("file") {
		var name string
		d.ScanArgs(s.t, "file", &name)
		r.Origin, r.Line = &Origin{Name: name}, 7
	}
	if err := p.apply(&r); err != nil {
		return "error: " + err.Error()
	}
	return s.state()
}

// state is what every command shows.
func (s *script) state() string {
	p := s.p()
	c := &p.count
	var b strings.Builder
	fmt.Fprintf(&b, "next=%d watermark=%s waiting=%d", p.next, showTime(p.watermark), len(p.carry.byEnd))
	for _, n := range []struct {
		name string
		n    int64
	}{{"accepted", c.Accepted}, {"late", c.Late}, {"absorbed", c.Absorbed}, {"unpaired", c.Unpaired}, {"overflow", c.Overflow},
		{"undecodable", c.Undecodable}, {"rejected", total(c.Rejected)}, {"filtered", total(c.Filtered)}} {
		if n.n != 0 {
			fmt.Fprintf(&b, " %s=%d", n.name, n.n)
		}
	}
	return b.String()
}

func (s *script) rows() string {
	p := s.p()
	sections := p.rows.sections(1)
	p.late.lateRows(sections)
	sections[0].Rejects = p.rejects
	return showSection(&sections[0]) + showCarry(p.carry.all())
}

func showSection(s *feature.Section) string {
	var b strings.Builder
	for i := range s.Hosts {
		showHost(&b, &s.Hosts[i])
	}
	for i := range s.Pairs {
		r := &s.Pairs[i]
		fmt.Fprintf(&b, "%s %s %s %s:%d sessions=%d bytes=%d/%d", showSlice(r.Slice), r.Host, r.Role, r.Peer, r.Port,
			r.Counters.Sessions, r.Counters.BytesSrc, r.Counters.BytesDst)
		for _, k := range r.Counters.Kept {
			fmt.Fprintf(&b, " [%d+%ds %dB :%d]", k.Start, k.Duration, k.Bytes, k.Port)
		}
		b.WriteByte('\n')
	}
	for i := range s.Late {
		b.WriteString("late ")
		showHost(&b, &s.Late[i])
	}
	for _, r := range s.Rejects {
		fmt.Fprintf(&b, "reject %d.%d %s (%s) %q\n", r.Position, r.Item, r.Reason, r.Detail, r.Raw)
	}
	return b.String()
}

func showHost(b *strings.Builder, r *feature.HostRow) {
	names := [feature.NumSums]string{"sessions", "allow", "deny", "alert", "rst", "aged", "zero-reply", "short", "src", "dst", "ms", "tcp",
		"udp", "icmp", "threat", "traffic", "high-risk", "admin", "fileshare", "directory", "db"}
	fmt.Fprintf(b, "%s %s %s", showSlice(r.Slice), r.Host, r.Role)
	for i, n := range r.Counters.Sum {
		if n != 0 {
			fmt.Fprintf(b, " %s=%d", names[i], n)
		}
	}
	for m, n := range r.Counters.Minute {
		if n != 0 {
			fmt.Fprintf(b, " m%d=%d", m, n)
		}
	}
	b.WriteByte('\n')
}

func showCarry(halves []half) string {
	var b strings.Builder
	for i := range halves {
		h := &halves[i]
		from, fromPort, to, toPort := h.key.a, h.key.aPort, h.key.b, h.key.bPort
		if !h.forward {
			from, fromPort, to, toPort = to, toPort, from, fromPort
		}
		fmt.Fprintf(&b, "waits %s:%d > %s:%d %s..%s bytes=%d flags=%d\n", from, fromPort, to, toPort, showTime(h.start), showTime(h.end), h.bytes, h.flags)
	}
	return b.String()
}

// cut stores the cut, reads it back, and shows what is in it.
func (s *script) cut(cause string) string {
	p := s.p()
	want := s.rows()
	a, err := p.freeze(s.enc, cause)
	if err != nil {
		return "error: " + err.Error()
	}
	key := s.store(a)
	c, err := OpenCut(context.Background(), s.ctl.Objects, key)
	if err != nil {
		s.t.Fatal(err)
	}
	section, err := c.ReadSection(context.Background(), s.ctl.Objects, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	halves, err := c.readCarry(context.Background(), s.ctl.Objects)
	if err != nil {
		s.t.Fatal(err)
	}
	got := showSection(&section) + showCarry(halves)
	if d := cmp.Diff(got, want); d != "" {
		s.t.Errorf("cut read back: -got +want:\n%s", d)
	}
	if d := cmp.Diff(c.Header, a.header, cmpopts.EquateEmpty()); d != "" {
		s.t.Errorf("header read back: -got +want:\n%s", d)
	}
	p.stored(a)
	return showHeader(&c.Header) + got + s.state()
}

func (s *script) store(a *attempt) (key string) {
	key, err := s.ctl.Layout.Path(feature.CutObject("flows", "p", a.header.N))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.ctl.createBytes(context.Background(), feature.CutObject("flows", "p", a.header.N), a.bytes); err != nil {
		s.t.Fatal(err)
	}
	s.last = max(s.last, a.header.N)
	return key
}

func showHeader(h *CutHeader) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cut %d: [%d, %d) watermark=%s max=%s", h.N, h.From, h.To, showTime(h.Watermark), showTime(h.MaxEvent))
	if h.Idle {
		b.WriteString(" idle")
	}
	b.WriteString(" touched=")
	for i, s := range h.Touched {
		b.WriteString([]string{"", ","}[min(i, 1)] + showSlice(s))
	}
	if h.Largest != nil {
		fmt.Fprintf(&b, " largest=%s", showSlice(*h.Largest))
	}
	if h.OddTime != nil {
		fmt.Fprintf(&b, " odd=%s", showTime(*h.OddTime))
	}
	c := &h.Counters
	fmt.Fprintf(&b, "\nrecords=%d items=%d carry=%d>%d accepted=%d late=%d absorbed=%d unpaired=%d roles=%d", c.Records, c.Items, c.CarryIn,
		c.CarryOut, c.Accepted, c.Late, c.Absorbed, c.Unpaired, c.RoleRows)
	if c.LateSaved > 0 {
		fmt.Fprintf(&b, " saved-by=%s", time.Duration(c.LateSaved))
	}
	for _, m := range []struct {
		name string
		by   map[string]int64
	}{{"rejected", c.Rejected}, {"filtered", c.Filtered}} {
		for _, k := range slices.Sorted(maps.Keys(m.by)) {
			fmt.Fprintf(&b, " %s-%s=%d", m.name, k, m.by[k])
		}
	}
	return b.String() + "\n"
}

func (s *script) adopt(n uint64) {
	in := &Ingest{cfg: s.cfg, ctl: s.ctl}
	c, err := openCut(context.Background(), s.ctl, "flows", "p", n)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := in.adopt(context.Background(), s.p(), c); err != nil {
		s.t.Fatal(err)
	}
}
