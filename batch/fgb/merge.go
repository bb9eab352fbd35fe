package fgb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ndr/feature"
	"ndr/sinks"
)

// merger makes the tables of a horizon of which parts know only a part: of hosts that moved between their segments.
// Its inputs are the partial tables alone, so it can be repeated.
type merger struct {
	job      *Job
	in       *horizonInput
	revision int
	reports  []*partReport
	digest   string
	out      sinks.BaselineHorizon // filled on the way

	shared map[feature.Addr]int64 // by destination: how often a host was counted in more than one part
}

// partials lists the partial tables of a name, by part.
func (m *merger) partials(name string) (list []sinks.BaselineTable) {
	for _, r := range m.reports {
		for _, t := range r.Partials {
			if t.Dataset == name {
				list = append(list, t)
			}
		}
	}
	return list
}

// merge makes fg_b/ip_metadata, fg_b/pair/host and fg_b/peer.
func (m *merger) merge(ctx context.Context) error {
	m.shared = make(map[feature.Addr]int64)
	for _, step := range []func(context.Context) error{m.machines, m.pairs, m.peers} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("merge parts of %s: %w", m.in.Name, err)
		}
	}
	return nil
}

// outputs are the files of a table, one per part.
func (m *merger) outputs(t *feature.Table) (files []*rowWriter, err error) {
	for i := range m.reports {
		w, err := newRowWriter(m.job.cfg.TempDir, t, m.job.meta(m.in.Name, m.revision, i, m.digest))
		if err != nil {
			return nil, errors.Join(err, closeAll(files))
		}
		files = append(files, w)
	}
	return files, nil
}

func closeAll(files []*rowWriter) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// store creates the objects of a table.
func (m *merger) store(ctx context.Context, dataset string, files []*rowWriter) error {
	for i, w := range files {
		made, err := m.job.put(ctx, feature.BaselineObject(dataset, m.in.Name, m.job.cfg.Month(), m.revision, i), w)
		if err != nil {
			return err
		}
		m.out.Tables = append(m.out.Tables, made)
	}
	return nil
}

// each merges partial tables into the files of a dataset.
func (m *merger) each(ctx context.Context, partial string, want *feature.Table, t *feature.Table, do func(rows *rowMerge, files []*rowWriter) error) (err error) {
	rows, err := m.job.openMerge(ctx, m.partials(partial), want, columnNames(want)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	files, err := m.outputs(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(files)) }()
	if err := do(rows, files); err != nil {
		return err
	}
	return m.store(ctx, t.Name, files)
}

// machines adds the typical bands, which are of all segments of a host, and counts hosts and keys.
func (m *merger) machines(ctx context.Context) (err error) {
	active, err := m.job.openMerge(ctx, m.partials(partialActive), activePartial(), columnNames(activePartial())...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, active.close()) }()
	typical := &typicalBands{rows: active, slices: m.slicesOfBands()}
	want := machinePartial()
	return m.each(ctx, partialMachine, want, feature.FGBIPMetadataTable(), func(rows *rowMerge, files []*rowWriter) error {
		host, segment, bands, moved := "", "", "", false
		for {
			f, err := rows.next()
			if err != nil || f == nil {
				return err
			}
			if h := f.text(0); h != host {
				host, segment, moved = h, f.text(2), false
				m.out.Hosts++
				if bands, err = typical.of(f.addrs[0].addr); err != nil {
					return err
				}
			}
			if f.text(2) != segment && !moved {
				moved = true
				m.out.MovedHosts++
			}
			m.out.Keys++
			m.out.ColdKeys += f.int(9)
			if err := copyMachine(files[f.source], f, m.job.cfg.FeatureSpecVersion, bands); err != nil {
				return err
			}
		}
	})
}

// copyMachine writes a row of ip_metadata; the columns of f are the key, the version, the name and the flags.
func copyMachine(w *rowWriter, f *mergedFile, version, bands string) error {
	w.text(version)
	for i := range 5 {
		w.text(f.text(i))
	}
	if f.null(6) {
		w.null()
	} else {
		w.text(f.text(6))
	}
	for i := 7; i < 10; i++ {
		w.int(f.int(i))
	}
	w.text(bands)
	return w.end()
}

// slicesOfBands counts the known slices of each band.
func (m *merger) slicesOfBands() map[string]int64 {
	n := make(map[string]int64)
	for _, s := range m.in.known() {
		n[m.job.bandOf(s)]++
	}
	return n
}

// typicalBands sums up the activity of hosts.
type typicalBands struct {
	rows   *rowMerge
	slices map[string]int64
	next   *mergedFile
	begun  bool
}

// of returns the typical bands of a host, joined by commas. Hosts are asked for in address order.
func (t *typicalBands) of(host feature.Addr) (string, error) {
	var bands []string // in the order of text, as the rows are
	last, sum := "", int64(0)
	end := func() {
		if last != "" && feature.IsTypicalBand(sum, t.slices[last]) {
			bands = append(bands, last)
		}
	}
	for {
		if !t.begun || t.next != nil && t.next.addrs[0].addr.Compare(host) < 0 {
			if err := t.step(); err != nil {
				return "", err
			}
			continue
		}
		if t.next == nil || t.next.addrs[0].addr != host {
			end()
			return strings.Join(bands, ","), nil
		}
		if band := t.next.text(1); band != last {
			end()
			last, sum = band, 0
		}
		sum += t.next.int(2)
		if err := t.step(); err != nil {
			return "", err
		}
	}
}

func (t *typicalBands) step() (err error) {
	t.begun = true
	t.next, err = t.rows.next()
	return err
}

// pairs sums up what parts know of the same pair. The row goes to the first part that has it.
func (m *merger) pairs(ctx context.Context) error {
	sum := &pairSum{total: totals{days: make([]uint64, dayWords(m.in.Days))}}
	return m.each(ctx, partialPairs, pairPartial(), feature.FGBPairHostTable(), func(rows *rowMerge, files []*rowWriter) error {
		for {
			f, err := rows.next()
			if err != nil {
				return err
			}
			if f == nil || !sum.same(f) {
				if err := sum.write(files, m.job); err != nil {
					return err
				}
			}
			if f == nil || !sum.sameDestination(f) {
				if n := int64(len(sum.parts)); n > 1 { // one host, counted by each of the parts
					m.shared[sum.dst] += n - 1
				}
				sum.parts = sum.parts[:0]
			}
			if f == nil {
				return nil
			}
			if err := sum.add(f); err != nil {
				return err
			}
		}
	})
}

// pairSum is the rows of one pair, and which parts have its host and destination.
type pairSum struct {
	begun     bool
	host, dst feature.Addr
	hostText  string
	dstText   string
	port      int64
	source    int
	total     totals
	parts     []int
}

func (s *pairSum) sameDestination(f *mergedFile) bool {
	return s.begun && f.addrs[0].addr == s.host && f.addrs[1].addr == s.dst
}

func (s *pairSum) same(f *mergedFile) bool { return s.sameDestination(f) && f.int(2) == s.port }

func (s *pairSum) add(f *mergedFile) error {
	if s.total.seen == 0 {
		s.begun, s.host, s.dst, s.port, s.source = true, f.addrs[0].addr, f.addrs[1].addr, f.int(2), f.source
		s.hostText, s.dstText = f.text(0), f.text(1)
		s.total.last = f.int(4)
	}
	s.total.seen += f.int(3)
	s.total.last = max(s.total.last, f.int(4))
	known := false
	for _, p := range s.parts {
		known = known || p == f.source
	}
	if !known {
		s.parts = append(s.parts, f.source)
	}
	return addDays(s.total.days, f.text(5))
}

// write writes the pair and forgets its sums.
func (s *pairSum) write(files []*rowWriter, j *Job) error {
	if s.total.seen == 0 {
		return nil
	}
	w := files[s.source]
	w.text(j.cfg.FeatureSpecVersion)
	w.text(s.hostText)
	w.text(s.dstText)
	w.int(s.port)
	w.pair(&s.total, j.cfg.Rules.Rarity)
	s.total.seen = 0
	clear(s.total.days)
	return w.end()
}

// peers sums up the peers; a host that several parts have counted counts once.
func (m *merger) peers(ctx context.Context) error {
	days := make([]uint64, dayWords(m.in.Days))
	return m.each(ctx, partialPeers, peerPartial(), feature.FGBPeerTable(), func(rows *rowMerge, files []*rowWriter) error {
		var at feature.Addr
		text, source := "", 0
		var hosts, segments, seen int64
		end := func() error {
			if text == "" {
				return nil
			}
			w := files[source]
			w.text(m.job.cfg.FeatureSpecVersion)
			w.text(text)
			w.int(hosts - m.shared[at])
			w.int(segments)
			w.int(seen)
			w.int(ones(days))
			clear(days)
			text, hosts, segments, seen = "", 0, 0, 0
			return w.end()
		}
		for {
			f, err := rows.next()
			if err != nil {
				return err
			}
			if f == nil || f.addrs[0].addr != at {
				if err := end(); err != nil || f == nil {
					return err
				}
			}
			if text == "" {
				at, text, source = f.addrs[0].addr, f.text(0), f.source
			}
			hosts, segments, seen = hosts+f.int(1), segments+f.int(2), seen+f.int(3)
			if err := addDays(days, f.text(4)); err != nil {
				return err
			}
		}
	})
}
