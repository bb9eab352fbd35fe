package oracle

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// close adds the rows of one slice to every table.
func (b *book) close(s int64, result *Result) {
	add := func(dataset string, at time.Time, row Row) {
		row["dt"], row["hh"], row["mm"] = at.Format("2006-01-02"), at.Format("15"), at.Format("04")
		b.common(dataset, s, row)
		result.Tables[dataset] = append(result.Tables[dataset], row)
	}
	start, end := utc(b.o.sliceStart(s)), utc(b.o.sliceStart(s+1))
	for hr, bySlice := range b.flows {
		flows := bySlice[s]
		if len(flows) == 0 {
			continue
		}
		row := Row(b.base(flows, hr.role))
		row["host_ip"], row["role"], row["segment_id"] = hr.host.String(), hr.role, b.o.segment(hr.host)
		row["slice_start_ts"], row["slice_end_ts"], row["is_approximate"] = start, end, int64(0)
		add(Delta, start, row)
		b.pairRows(hr, flows, end, func(dataset string, row Row) {
			if dataset == PairCounts {
				add(dataset, start, row)
			} else {
				add(dataset, end, row)
			}
		})
	}
	for host := range b.hosts() {
		for label, length := range windows {
			if row := b.window(host, label, s+1-length, s+1); row != nil {
				add(FGA, end, row)
			}
		}
	}
}

// pairRows makes the pair_counts and pair_context rows of one slice of a host and role.
func (b *book) pairRows(hr hostRole, flows []*Flow, end time.Time, add func(string, Row)) {
	sessions, source, destination := map[pair]int64{}, map[pair]int64{}, map[pair]int64{}
	for _, f := range flows {
		if f.Threat || f.DestinationPort == 0 {
			continue
		}
		p := pair{peerOf(f, hr.role), f.DestinationPort}
		sessions[p]++
		source[p] += value(f.SourceBytes)
		destination[p] += value(f.DestinationBytes)
	}
	for p, n := range sessions {
		add(PairContext, Row{"host_ip": hr.host.String(), "role": hr.role, "window_label": "w_15m", "window_end_ts": end,
			"dst_ip": p.peer.String(), "dst_port": int64(p.port), "sessions_cnt": n, "event_ts": end})
		if hr.role == "outbound" {
			add(PairCounts, Row{"src_ip": hr.host.String(), "dst_ip": p.peer.String(), "dst_port": int64(p.port),
				"event_ts": end, "segment_id": b.o.segment(hr.host), "sessions_cnt": n, "bytes_src_sum": source[p],
				"bytes_dst_sum": destination[p]})
		}
	}
}

// window makes the FG-A row of a host over the slices [from, to), nil if it has no flow in them.
func (b *book) window(host netip.Addr, label string, from, to int64) Row {
	outbound, inbound := hostRole{host, "outbound"}, hostRole{host, "inbound"}
	if len(b.between(outbound, from, to)) == 0 && len(b.between(inbound, from, to)) == 0 {
		return nil
	}
	out, in := b.direction(outbound, from, to), b.direction(inbound, from, to)
	row := Row{"host_ip": host.String(), "window_label": label, "segment_id": b.o.segment(host),
		"window_start_ts": utc(b.o.sliceStart(from)), "window_end_ts": utc(b.o.sliceStart(to)),
		"lookback_days": b.lookbackDays(from), "is_approximate": int64(0)}
	for name, v := range out {
		row[name] = v
	}
	for name, v := range in {
		row["in_"+name] = v
	}
	b.o.timeContext(utc(b.o.sliceStart(to)), row)
	return row
}

// lookbackDay adds the lookback30d rows of a UTC day that closed with slice s.
func (b *book) lookbackDay(day string, s int64, result *Result) {
	for hr, bySlice := range b.flows {
		sessions, first, last := map[pair]int64{}, map[pair]int64{}, map[pair]int64{}
		for _, slice := range b.filled {
			if b.o.dayOf(slice) != day {
				continue
			}
			for _, f := range bySlice[slice] {
				if f.Threat {
					continue
				}
				p := pair{peerOf(f, hr.role), f.DestinationPort}
				if sessions[p]++; sessions[p] == 1 {
					first[p] = b.o.sliceStart(slice)
				}
				last[p] = b.o.sliceStart(slice + 1)
			}
		}
		for p, n := range sessions {
			row := Row{"host_ip": hr.host.String(), "role": hr.role, "peer_ip": p.peer.String(),
				"peer_port": int64(p.port), "dt": day, "sessions_cnt": n, "first_seen_ts": utc(first[p]),
				"last_seen_ts": utc(last[p])}
			b.common(Lookback, s, row)
			result.Tables[Lookback] = append(result.Tables[Lookback], row)
		}
	}
}

// common adds the columns that every table of a close has.
func (b *book) common(dataset string, s int64, row Row) {
	row["feature_spec_version"] = b.o.Version
	row["mini_batch_id"] = utc(b.o.sliceStart(s)).Format("20060102T1504Z") + "-r0"
	var key []string
	for _, name := range Keys[dataset] {
		if t, ok := row[name].(time.Time); ok {
			key = append(key, t.Format(time.RFC3339))
		} else {
			key = append(key, fmt.Sprint(row[name]))
		}
	}
	row["record_id"] = strings.Join(key, "|")
}
