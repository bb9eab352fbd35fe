package flow

import "testing"

func TestFinish(t *testing.T) {
	all := Have{Source: true, Dest: true, Start: true, End: true, Bytes: true, Ports: true}
	without := func(change func(*Have)) Have { h := all; change(&h); return h }
	for name, c := range map[string]struct {
		record  Record
		have    Have
		verdict Verdict
		reason  string
		start   int64
		end     int64
		known   bool
	}{
		"complete":         {Record{Start: 5, End: 9}, all, Accepted, "", 5, 9, true},
		"end before start": {Record{Start: 9, End: 5}, all, Accepted, "", 9, 9, true},
		"time 0 is a time": {Record{}, all, Accepted, "", 0, 0, true},
		"no start":         {Record{End: 9}, without(func(h *Have) { h.Start = false }), Accepted, "", 9, 9, false},
		"no end":           {Record{Start: -9}, without(func(h *Have) { h.End = false }), Accepted, "", -9, -9, false},
		"no time":          {Record{}, without(func(h *Have) { h.Start, h.End = false, false }), Rejected, ReasonMissingTime, 0, 0, false},
		"no source":        {Record{}, without(func(h *Have) { h.Source = false }), Rejected, ReasonMissingAddress, 0, 0, false},
		"no destination":   {Record{}, without(func(h *Have) { h.Dest = false }), Rejected, ReasonMissingAddress, 0, 0, false},
		"ports only":       {Record{}, without(func(h *Have) { h.Bytes = false }), Accepted, "", 0, 0, true},
		"bytes only":       {Record{}, without(func(h *Have) { h.Ports = false }), Accepted, "", 0, 0, true},
		"empty":            {Record{}, without(func(h *Have) { h.Bytes, h.Ports = false, false }), Rejected, ReasonEmptyRecord, 0, 0, false},
		"empty event":      {Record{Kind: Event}, without(func(h *Have) { h.Bytes, h.Ports = false, false }), Accepted, "", 0, 0, true},
		"nothing":          {Record{}, Have{}, Rejected, ReasonMissingAddress, 0, 0, false},
		"addresses only":   {Record{}, Have{Source: true, Dest: true}, Rejected, ReasonMissingTime, 0, 0, false},
		"start record":     {Record{Kind: Start}, Have{}, Filtered, FilterStart, 0, 0, false},
	} {
		it := Item{Record: c.record}
		it.finish(c.have)
		r := &it.Record
		if it.Verdict != c.verdict || it.Reason != c.reason {
			t.Errorf("%s: verdict %d %q; want %d %q", name, it.Verdict, it.Reason, c.verdict, c.reason)
		}
		if it.Verdict == Accepted && (r.Start != c.start || r.End != c.end || r.TimesKnown != c.known) {
			t.Errorf("%s: times %d %d %v; want %d %d %v", name, r.Start, r.End, r.TimesKnown, c.start, c.end, c.known)
		}
	}
}
