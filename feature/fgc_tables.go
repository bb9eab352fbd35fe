package feature

// FGCTable is FG-C in the long layout: one row per host and window with a flow in either role, of one baseline
// horizon, which is the last part of its key: readers take it from the path. The error tells of an impossible shape.
func FGCTable(s FGCShape) (*Table, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.table(), nil
}

// FGCWideTable is FG-C in the wide layout: one row per host, with a column per catalog feature. What belongs to the
// row of a window has the window's name at its end. Where the wide layout is the only one it is published as fg_c:
// set Name.
func FGCWideTable(s FGCShape) (*Table, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.wideTable(), nil
}

// BeaconEvidenceTable has one row per outbound pair whose starts can be judged; port 0 is a pair without ports or
// all ports of the peer together. The prevalence is null before the first publication of baselines.
func BeaconEvidenceTable() *Table {
	optional := func(name string, t ColumnType) Column { return Column{Name: name, Type: t, Nullable: true} }
	return newTable(DatasetBeaconEvidence, atClose(keyColumn("host_ip", Text), keyColumn("peer_ip", Text), keyColumn("peer_port", Int64),
		keyColumn("window_end_ts", Timestamp), column("connections", Int64), column("kept_connections", Int64),
		optional("period_seconds", Float64), optional("jitter", Float64), column("timing", Float64), column("size", Float64),
		column("histogram", Float64), column("duration", Float64), column("rita_score", Float64), column("cadence_score", Float64),
		column("first_seen_ts", Timestamp), column("last_seen_ts", Timestamp), optional("prevalence_hosts_cnt", Int64),
		optional("prevalence_hosts_share", Float64), column("expected_fp_per_1000", Float64)))
}

// defaultPlan is the plan of the default shape, which is without fault.
func defaultPlan() *fgcPlan {
	p, err := FGCShape{}.plan()
	if err != nil {
		panic(err)
	}
	return p
}

func fgcKey() []Column {
	return atClose(keyColumn("host_ip", Text), keyColumn("window_label", Text), keyColumn("window_end_ts", Timestamp))
}

// fgcSource is the columns that say which baselines a row was compared with; suffix is that of the window, if any.
func fgcSource(suffix string, nullable bool) []Column {
	return []Column{{Name: "baseline_source" + suffix, Type: Text, Nullable: nullable},
		{Name: "in_baseline_source" + suffix, Type: Text, Nullable: nullable},
		{Name: "is_cold_start" + suffix, Type: Int64, Nullable: nullable},
		{Name: "in_is_cold_start" + suffix, Type: Int64, Nullable: nullable}}
}

func fgcTail() []Column {
	return []Column{column("baseline_start_ts", Timestamp), column("baseline_end_ts", Timestamp)}
}

func (p *fgcPlan) table() *Table {
	c := append(fgcKey(), fgcSource("", false)...)
	for _, r := range catalogRoles {
		for _, m := range p.metrics {
			for _, t := range p.transforms {
				c = append(c, Column{Name: r.Prefix() + Metrics[m].Name + "_" + t.String(), Type: Float32, Nullable: true})
			}
		}
	}
	for _, s := range p.singles().list {
		c = append(c, Column{Name: s.name, Type: s.typ, Nullable: s.nullable || s.shortest, Distinct: s.name == topReasons})
	}
	return newTable(DatasetFGC, append(c, fgcTail()...))
}

// wideTable puts a window's columns of a feature beside each other. A window without flows is null; the longest one
// always has flows.
func (p *fgcPlan) wideTable() *Table {
	c := fgcKey()
	for _, w := range p.windows {
		c = append(c, fgcSource("_"+Windows[w].Label, Windows[w].Slices < RingSlices)...)
	}
	for _, r := range catalogRoles {
		for _, m := range p.metrics {
			for _, w := range p.windows {
				for _, t := range p.transforms {
					c = append(c, Column{Name: FGCFeatureName(r, Metrics[m].Name, Windows[w].Label, t), Type: Float32, Nullable: true})
				}
			}
		}
	}
	for _, s := range p.singles().list {
		if s.shortest {
			c = append(c, Column{Name: s.name, Type: s.typ, Nullable: true})
			continue
		}
		for _, w := range p.windows {
			c = append(c, Column{Name: s.name + "_" + Windows[w].Label, Type: s.typ,
				Nullable: s.nullable || Windows[w].Slices < RingSlices, Distinct: s.name == topReasons})
		}
	}
	return newTable(DatasetFGCWide, append(c, fgcTail()...))
}

const topReasons = "top_reasons"
