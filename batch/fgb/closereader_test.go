package fgb

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ndr/feature"
	"ndr/sinks"
)

// TestPublicationAsClosesReadIt compares what a close sees with the oracle: hosts in all parts, also those that moved.
func TestPublicationAsClosesReadIt(t *testing.T) {
	w, cfg := randomWorld(t, 11, nil)
	for part := range 3 {
		one := cfg
		one.Part, one.Parts, one.Publish = part, 3, part == 2
		if _, err := w.job(one, 0).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	p, err := sinks.OpenPublication(t.Context(), w.store, w.layout, "2026-11", 1, dir)
	if err != nil {
		t.Fatal(err)
	}
	if names := p.HorizonNames(); !slices.Equal(names, []string{"1d", "2d"}) {
		t.Errorf("horizons %v", names)
	}
	for _, h := range cfg.Horizons {
		o := newOracle(w, &cfg, h)
		tables := o.tables()
		for _, band := range []string{"working_hours", "off_hours"} {
			b, end, err := p.Baselines(h.Name, band)
			if err != nil {
				t.Fatal(err)
			}
			v := &closeView{t: t, o: o, b: b, band: band, tables: tables}
			v.check()
			if err := end(); err != nil {
				t.Error(err)
			}
			if start, to := b.Bounds(); start != o.from.UnixMicro() || to != o.to.UnixMicro() {
				t.Errorf("bounds %d, %d", start, to)
			}
		}
		if missing := p.Missing(h.Name); len(missing) > 0 {
			t.Errorf("missing %v", missing)
		}
	}
	if missing := p.Missing("90d"); len(missing) != 2 {
		t.Errorf("an unknown horizon misses %v", missing)
	}
	if _, _, err := p.Baselines("90d", "working_hours"); err == nil {
		t.Error("want an error for an unknown horizon")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("local files are left: %v, %v", left, err)
	}
}

// closeView compares one horizon and band.
type closeView struct {
	t      *testing.T
	o      *oracle
	b      feature.Baselines
	band   string
	tables map[string]map[string]string
}

func (v *closeView) check() {
	hosts, segments := map[string]bool{"10.0.0.200": true, "fd00::9": true}, map[string]bool{"nowhere": true}
	stats := map[oracleKey][]oracleRow{}
	for k, rows := range v.o.groups {
		hosts[k.host], segments[k.segment] = true, true
		if k.band == v.band {
			stats[k] = rows
			k.host = ""
			stats[k] = append(stats[k], rows...)
		}
	}
	var order []string
	for h := range hosts {
		order = append(order, h)
	}
	slices.SortFunc(order, func(a, b string) int { return addr(a).Compare(addr(b)) })
	seen := int64(0)
	for _, host := range order {
		for segment := range segments {
			v.host(host, segment, stats)
		}
		if h, err := v.b.Host(addr(host), ""); err == nil && h.HasMeta {
			seen++
		}
	}
	if v.b.Hosts() != seen {
		v.t.Errorf("%d hosts, want %d", v.b.Hosts(), seen)
	}
	for segment := range segments {
		for role := range feature.Role(2) {
			for w := range feature.Windows {
				rows := stats[oracleKey{"", role.String(), segment, v.band, feature.Windows[w].Label}]
				v.same("segment "+segment, v.b.Segment(segment, role, w), rows)
			}
		}
	}
	v.pairs(order, segments)
}

func (v *closeView) host(host, segment string, stats map[oracleKey][]oracleRow) {
	h, err := v.b.Host(addr(host), segment)
	if err != nil {
		v.t.Fatal(err)
	}
	meta := map[string]string{}
	typical, known := "", false
	for key, text := range v.tables[feature.DatasetFGBIPMetadata] {
		meta[key] = text
		if strings.HasPrefix(key, host+"|") {
			known, typical = true, text[strings.LastIndexByte(text, ' ')+1:]
		}
	}
	if h.HasMeta != known || strings.Join(h.Typical, ",") != typical {
		v.t.Errorf("%s: has meta %t, typical %v, want %t, %s", host, h.HasMeta, h.Typical, known, typical)
	}
	for role := range feature.Role(2) {
		for w := range feature.Windows {
			k := oracleKey{host, role.String(), segment, v.band, feature.Windows[w].Label}
			v.same("host "+host, h.Stats[role][w], stats[k])
			text := strings.Fields(meta[strings.Join([]string{host, k.role, segment, k.band, k.window}, "|")])
			full, cold := len(text) > 0 && text[2] == "1", len(text) == 0 || text[4] == "1"
			if h.Full[role][w] != full || h.Cold[role][w] != cold {
				v.t.Errorf("%v: full %t, cold %t, want %t, %t", k, h.Full[role][w], h.Cold[role][w], full, cold)
			}
		}
	}
}

func (v *closeView) same(what string, got *feature.BaselineStats, rows []oracleRow) {
	if (got == nil) != (len(rows) == 0) {
		v.t.Errorf("%s: got a row: %t, want %t", what, got != nil, len(rows) > 0)
	}
	if got == nil {
		return
	}
	for m := range got {
		s, n := v.o.naiveStats(rows, m)
		b := got[m]
		if x := [7]float64{b.Median, b.P25, b.P75, b.P95, b.P99, b.MAD, b.IQR}; x != s || b.Support != n || b.Cold != (n < v.o.cfg.Rules.SupportMin[m]) {
			v.t.Errorf("%s, %s: got %+v, want %v, support %d", what, feature.Metrics[m].Name, b, s, n)
		}
	}
}

func (v *closeView) pairs(hosts []string, segments map[string]bool) {
	text := func(p feature.PairBaseline, ok bool) string {
		if !ok {
			return ""
		}
		flag := map[bool]int{true: 1}
		return fmt.Sprintf("v1 %d %d %d %v %v %d %d", p.Seen, p.LastSeen, p.ActiveDays, p.DailyAvg, p.Rarity, flag[p.New], flag[p.Rare])
	}
	dsts := []string{"203.0.113.77"}
	for dst := range v.tables[feature.DatasetFGBPeer] {
		dsts = append(dsts, dst)
	}
	for _, dst := range dsts {
		hosts, ok := v.b.Peer(addr(dst))
		want := v.tables[feature.DatasetFGBPeer][dst]
		if ok != (want != "") || ok && fmt.Sprint(hosts) != strings.Fields(want)[1] {
			v.t.Errorf("peer %s: got %d, %t, want %s", dst, hosts, ok, want)
		}
	}
	for port := range uint16(5) {
		for _, dst := range dsts {
			for segment := range segments {
				key := fmt.Sprintf("%s|%s|%d", segment, dst, port)
				if got, want := text(v.b.PairSegment(segment, addr(dst), port)), v.tables[feature.DatasetFGBPairSegment][key]; got != want {
					v.t.Errorf("pair %s: got %s, want %s", key, got, want)
				}
			}
		}
	}
	for _, host := range hosts {
		h, err := v.b.Host(addr(host), "seg-0")
		if err != nil {
			v.t.Fatal(err)
		}
		for _, dst := range dsts {
			for port := range uint16(5) {
				key := fmt.Sprintf("%s|%s|%d", host, dst, port)
				if got, want := text(h.Pair(addr(dst), port)), v.tables[feature.DatasetFGBPairHost][key]; got != want {
					v.t.Errorf("pair %s: got %s, want %s", key, got, want)
				}
			}
		}
	}
}
