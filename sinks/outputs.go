package sinks

import "ndr/feature"

// outputs opens the files of one publication; after the first error it opens nothing more.
type outputs struct {
	pub *Publication
	err error
}

// table starts one dataset's file.
func (o *outputs) table(t *feature.Table, always bool) feature.RowSink {
	return o.tableOf(t, o.pub.object(t.Name), always)
}

func (o *outputs) tableOf(t *feature.Table, object feature.Object, always bool) feature.RowSink {
	if o.err != nil {
		return nil
	}
	var f *TableFile
	if f, o.err = NewTableFile(o.pub.p.cfg.TempDir, t, o.pub.p.meta(o.pub.slice, o.pub.shard)); o.err != nil {
		return nil
	}
	o.pub.tables = append(o.pub.tables, &tableOut{f, object, always})
	return f
}

// open starts every file that the close writes.
func (o *outputs) open(fgc *feature.FGCConfig) (s feature.CloseSinks) {
	pub, cfg := o.pub, &o.pub.p.cfg
	pub.sessions = countSessions(feature.DeltaTable(), o.table(feature.DeltaTable(), true))
	pub.integers[0] = digestIntegers(feature.DeltaTable(), pub.sessions)
	pub.integers[1] = digestIntegers(feature.PairCountsTable(), o.table(feature.PairCountsTable(), true))
	s.Delta, s.PairCounts = pub.integers[0], pub.integers[1]
	if cfg.Long {
		s.FGA = o.table(feature.FGATable(), true)
	}
	if cfg.Wide {
		wide := feature.FGAWideTable()
		if !cfg.Long {
			wide.Name = feature.DatasetFGA
		}
		s.FGAWide = o.table(wide, true)
	}
	s.PairContext = o.table(feature.PairContextTable(), true)
	if c := cfg.Close.Clock; c.Day(pub.slice+1) != c.Day(pub.slice) {
		s.Lookback30d = o.table(feature.Lookback30dTable(), true)
	}
	pub.late = countSessions(feature.LateTable(), o.table(feature.LateTable(), false))
	s.Late = pub.late
	s.Reject = pub.rejects.add
	s.BeaconEvidence = o.table(feature.BeaconEvidenceTable(), true)
	o.deviations(&s, fgc)
	return s
}

// deviations starts the files of FG-C, one set for each horizon.
func (o *outputs) deviations(s *feature.CloseSinks, fgc *feature.FGCConfig) {
	s.FGC, s.FGCWide = make(map[string]feature.RowSink), make(map[string]feature.RowSink)
	for _, h := range fgc.Horizons {
		if o.pub.p.cfg.Long {
			s.FGC[h.Label] = o.deviation(feature.FGCTable, "", fgc.FGCShape, h.Label)
		}
		if o.pub.p.cfg.Wide {
			name := ""
			if !o.pub.p.cfg.Long {
				name = feature.DatasetFGC
			}
			s.FGCWide[h.Label] = o.deviation(feature.FGCWideTable, name, fgc.FGCShape, h.Label)
		}
	}
}

func (o *outputs) deviation(of func(feature.FGCShape) (*feature.Table, error), name string, shape feature.FGCShape, horizon string) feature.RowSink {
	t, err := of(shape)
	if err != nil {
		o.err = &MismatchError{err}
		return nil
	}
	if name != "" {
		t.Name = name
	}
	return o.tableOf(t, o.pub.object(t.Name).OfHorizon(horizon), true)
}
