package feature

import (
	"cmp"
	"fmt"
	"slices"
)

// pairRows writes pair_counts.
type pairRows struct {
	*tableWriter
	frame                                                        *frame
	src, dst, port, event, segment, sessions, bytesSrc, bytesDst int
	id                                                           []byte
}

// newPairRows makes the writer, nil without a sink.
func newPairRows(o *rowContext, sink RowSink) (*pairRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(PairCountsTable(), sink)
	r := &pairRows{tableWriter: w, frame: o.frame,
		src: w.column("src_ip"), dst: w.column("dst_ip"), port: w.column("dst_port"), event: w.column("event_ts"),
		segment: w.column("segment_id"), sessions: w.column("sessions_cnt"), bytesSrc: w.column("bytes_src_sum"),
		bytesDst: w.column("bytes_dst_sum")}
	return r, w.check()
}

// add writes the row of an outbound pair whose last slice is the closing one.
func (r *pairRows) add(h *hostState, p *PairView) error {
	r.id = recordID(r.id, h.text, h.peerName(), portText(p.Port), r.frame.endText)
	b, s := r.begin(r.id), &p.Slices[len(p.Slices)-1]
	b.AddText(r.src, h.text)
	b.AddText(r.dst, h.peerName())
	b.AddInt(r.port, int64(p.Port))
	b.AddInt(r.event, r.frame.endTime)
	b.AddText(r.segment, h.segment)
	b.AddInt(r.sessions, s.Sessions)
	b.AddInt(r.bytesSrc, s.BytesSrc)
	b.AddInt(r.bytesDst, s.BytesDst)
	return r.tableWriter.end()
}

// lookbackRows writes lookback30d at the close of the last slice of a UTC day. That day's slices are the last 96.
type lookbackRows struct {
	*tableWriter
	frame                  *frame
	host, role, peer, port int
	sessions, first, last  int
	id                     []byte
}

// newLookbackRows makes the writer, nil without a sink.
func newLookbackRows(o *rowContext, sink RowSink) (*lookbackRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(Lookback30dTable(), sink)
	r := &lookbackRows{tableWriter: w, frame: o.frame,
		host: w.column("host_ip"), role: w.column("role"), peer: w.column("peer_ip"), port: w.column("peer_port"),
		sessions: w.column("sessions_cnt"), first: w.column("first_seen_ts"), last: w.column("last_seen_ts")}
	return r, w.check()
}

// add writes the row of a pair that has slices, all of which are of the day.
func (r *lookbackRows) add(h *hostState, p *PairView) error {
	r.id = recordID(r.id, h.text, h.role.String(), h.peerName(), portText(p.Port), r.frame.dayText)
	var sessions int64
	for i := range p.Slices {
		sessions += p.Slices[i].Sessions
	}
	clock := r.frame.clock
	b := r.begin(r.id)
	b.AddText(r.host, h.text)
	b.AddText(r.role, h.role.String())
	b.AddText(r.peer, h.peerName())
	b.AddInt(r.port, int64(p.Port))
	b.AddInt(r.sessions, sessions)
	b.AddInt(r.first, clock.Start(p.Slices[0].Slice)/1000)
	b.AddInt(r.last, clock.End(p.Slices[len(p.Slices)-1].Slice)/1000)
	return r.tableWriter.end()
}

// contextRows writes pair_context. Its rows are in the order of the window labels within a role, and a pair comes
// once: the rows of the first label are written at once, those of the others wait for the end of the role, 40
// bytes for each pair with sessions in the window.
type contextRows struct {
	*tableWriter
	frame                  *frame
	host, role, label, end int
	dst, port              int
	sessions, event        int
	windows                []contextWindow // by label
	id                     []byte
}

type contextWindow struct {
	window  int
	waiting []contextPair
}

type contextPair struct {
	peer     Addr
	port     uint16
	sessions int64
	last     Slice // last slice with the pair
}

// newContextRows makes the writer, nil without a sink. The error names unknown and repeated windows.
func newContextRows(o *rowContext, sink RowSink, labels []string) (*contextRows, error) {
	if sink == nil {
		return nil, nil
	}
	w := o.writer(PairContextTable(), sink)
	r := &contextRows{tableWriter: w, frame: o.frame,
		host: w.column("host_ip"), role: w.column("role"), label: w.column("window_label"),
		end: w.column("window_end_ts"), dst: w.column("dst_ip"), port: w.column("dst_port"),
		sessions: w.column("sessions_cnt"), event: w.column("event_ts")}
	for _, l := range labels {
		i := slices.IndexFunc(Windows[:], func(w Window) bool { return w.Label == l })
		if i < 0 || slices.ContainsFunc(r.windows, func(c contextWindow) bool { return c.window == i }) {
			return nil, fmt.Errorf("write table pair_context: window %q is unknown or named twice", l)
		}
		r.windows = append(r.windows, contextWindow{window: i})
	}
	slices.SortFunc(r.windows, func(a, b contextWindow) int {
		return cmp.Compare(Windows[a.window].Label, Windows[b.window].Label)
	})
	return r, w.check()
}

// add takes a pair of the open role with a port above 0.
func (r *contextRows) add(h *hostState, p *PairView, t *tally, shortest int) error {
	for i := range r.windows {
		c := &r.windows[i]
		if c.window < shortest {
			continue
		}
		pair := contextPair{p.Peer, p.Port, t.sessions[c.window], p.Slices[len(p.Slices)-1].Slice}
		if i > 0 {
			c.waiting = append(c.waiting, pair)
			continue
		}
		if err := r.write(h, c.window, h.peerName(), &pair); err != nil {
			return err
		}
	}
	return nil
}

// endRole writes what waited.
func (r *contextRows) endRole(h *hostState) error {
	for i := range r.windows {
		c := &r.windows[i]
		peer := ""
		for j := range c.waiting {
			pair := &c.waiting[j]
			if j == 0 || pair.peer != c.waiting[j-1].peer {
				peer = pair.peer.String()
			}
			if err := r.write(h, c.window, peer, pair); err != nil {
				return err
			}
		}
		c.waiting = c.waiting[:0]
	}
	return nil
}

func (r *contextRows) write(h *hostState, w int, peer string, p *contextPair) error {
	label := r.frame.label[w]
	r.id = recordID(r.id, h.text, h.role.String(), label, r.frame.endText, peer, portText(p.port))
	b := r.begin(r.id)
	b.AddText(r.host, h.text)
	b.AddText(r.role, h.role.String())
	b.AddText(r.label, label)
	b.AddInt(r.end, r.frame.endTime)
	b.AddText(r.dst, peer)
	b.AddInt(r.port, int64(p.port))
	b.AddInt(r.sessions, p.sessions)
	b.AddInt(r.event, r.frame.clock.End(p.last)/1000)
	return r.tableWriter.end()
}
