package fgb

import (
	"context"
	"math/bits"
	"slices"
	"strings"

	"ndr/feature"
)

func ones(words []uint64) (n int64) {
	for _, w := range words {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// hostWork is the work on one host.
type hostWork struct {
	rows    hostRows
	results []hostResult
	active  [maxBands][]uint64 // slices of the band in which the host was active in the part's segments
}

// hostResult is the baseline of a key; they lie in the order of rows.keys.
type hostResult struct {
	stats feature.BaselineStats
	full  bool
}

// hostWorker computes the baselines of hosts. It belongs to one goroutine.
type hostWorker struct {
	rules  *feature.BaselineRules
	calc   *feature.BaselineCalculator
	names  *names
	caps   map[groupID][]feature.Spread
	words  int // of a set of slices
	light  []bool
	scaled []float64
}

func (w *hostWorker) compute(h *hostWork) {
	keys := h.rows.keys
	slices.SortFunc(keys, func(a, b *keyRows) int { return w.names.compareHosts(a.group, b.group) })
	h.results = slices.Grow(h.results[:0], len(keys))[:len(keys)]
	for b := range h.active {
		h.active[b] = h.active[b][:0]
	}
	for i, k := range keys {
		r := &h.results[i]
		light := w.mark(k)
		for m := range r.stats {
			r.stats[m] = w.calc.Stats(k.cols[m], light)
		}
		w.rules.Finish(&r.stats)
		r.full = w.rules.FullHistory(&r.stats)
		if k.group.window() == 0 {
			w.activity(k, h)
		}
	}
}

// mark finds the anomalies among the rows by the spread of their segment; nil is none.
func (w *hostWorker) mark(k *keyRows) []bool {
	w.light = slices.Grow(w.light[:0], k.rows)[:k.rows]
	clear(w.light)
	for i, m := range w.rules.KeyMetrics {
		v := k.cols[m]
		if w.rules.Log {
			w.scaled = w.scaled[:0]
			for _, x := range v {
				w.scaled = append(w.scaled, w.rules.Capped(m, x))
			}
			v = w.scaled
		}
		w.rules.MarkAnomalies(v, w.caps[k.group][i], w.light)
	}
	if !slices.Contains(w.light, true) {
		return nil
	}
	return w.light
}

// activity notes the slices of a key of the shortest window in which there were flows.
func (w *hostWorker) activity(k *keyRows, h *hostWork) {
	set := &h.active[k.group.band()]
	if len(*set) == 0 {
		*set = slices.Grow(*set, w.words)[:w.words]
		clear(*set)
	}
	for i, s := range k.cols[columnSlice] {
		if k.cols[feature.MSessionsCnt][i] > 0 {
			(*set)[int(s)/64] |= 1 << (int(s) % 64)
		}
	}
}

// hosts computes all hosts and writes fg_b/host and what the publishing step makes fg_b/ip_metadata of.
func (p *part) hosts(ctx context.Context, caps map[groupID][]feature.Spread) error {
	cfg := &p.job.cfg
	out, err := p.newHostTables()
	if err != nil {
		return err
	}
	var all []chunk
	total := int64(0)
	for _, chunks := range p.groups {
		for i := range chunks {
			all = append(all, chunks[i])
			total += int64(chunks[i].hosts)
		}
	}
	merge := newHostMerge(p.spill.file, all, allColumns(), blockBytes)
	workers := make([]*hostWorker, cfg.Workers)
	for i := range workers {
		workers[i] = &hostWorker{rules: &cfg.Rules, calc: feature.NewBaselineCalculator(cfg.Rules.LightWeight), names: p.names, caps: caps,
			words: (p.in.length() + 63) / 64}
	}
	free := make(chan *hostWork, 4*cfg.Workers+2) // as many as can be under way
	for range cap(free) {
		free <- &hostWork{}
	}
	next := func(ctx context.Context) (*hostWork, bool, error) {
		var h *hostWork
		select {
		case h = <-free:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		ok, err := merge.nextHost(&h.rows)
		p.job.progress(p.in.Name+": hosts", merge.ended, total)
		return h, ok, err
	}
	work := func(worker int, h *hostWork) error {
		workers[worker].compute(h)
		return nil
	}
	return inOrder(ctx, cfg.Workers, next, work, func(h *hostWork) error {
		err := out.add(h)
		free <- h
		return err
	})
}

// hostTables write the rows of hosts.
type hostTables struct {
	p         *part
	hosts     *rowWriter
	machines  *rowWriter
	active    *rowWriter
	inventory *inventory
	prefixes  []string // in small letters
}

func (p *part) newHostTables() (*hostTables, error) {
	t := &hostTables{p: p, inventory: p.inventory}
	for _, prefix := range p.job.cfg.NonPersistentPrefixes {
		t.prefixes = append(t.prefixes, strings.ToLower(prefix))
	}
	var err error
	if t.hosts, err = p.table(feature.FGBHostTable()); err != nil {
		return nil, err
	}
	if t.machines, err = p.table(machinePartial()); err != nil {
		return nil, err
	}
	t.active, err = p.table(activePartial())
	return t, err
}

// add writes the rows of a host.
func (t *hostTables) add(h *hostWork) error {
	host := h.rows.host.String()
	name, named, err := t.inventory.name(h.rows.host)
	if err != nil {
		return err
	}
	lower := strings.ToLower(name)
	fleeting := named && slices.ContainsFunc(t.prefixes, func(p string) bool { return strings.HasPrefix(lower, p) })
	version := t.p.job.cfg.FeatureSpecVersion
	for i, k := range h.rows.keys {
		r := &h.results[i]
		key := [...]string{host, k.group.role().String(), t.p.names.segmentName(k.group.segment()), t.p.names.bandName(k.group.band()), k.group.label()}
		t.hosts.text(version)
		t.hosts.text(strings.Join(append(key[:], t.p.in.Name), "|"))
		t.machines.text(version)
		for _, part := range key {
			t.hosts.text(part)
			t.machines.text(part)
		}
		t.hosts.stats(t.p.in, &r.stats)
		if err := t.hosts.end(); err != nil {
			return err
		}
		if named {
			t.machines.text(name)
		} else {
			t.machines.null()
		}
		t.machines.flag(r.full)
		t.machines.flag(fleeting)
		t.machines.flag(!r.full || fleeting)
		if err := t.machines.end(); err != nil {
			return err
		}
	}
	return t.addActivity(host, h)
}

// addActivity writes how many slices of each band the host was active in.
func (t *hostTables) addActivity(host string, h *hostWork) error {
	type active struct {
		band   string
		slices int64
	}
	var list []active
	for b, set := range h.active {
		if n := ones(set); n > 0 {
			list = append(list, active{t.p.names.bandName(b), n})
		}
	}
	slices.SortFunc(list, func(a, b active) int { return strings.Compare(a.band, b.band) })
	for _, a := range list {
		t.active.text(host)
		t.active.text(a.band)
		t.active.int(a.slices)
		if err := t.active.end(); err != nil {
			return err
		}
	}
	return nil
}
