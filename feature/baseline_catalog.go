package feature

// statisticTexts say what the statistics are of the values x of a metric in the rows of a key and horizon.
var statisticTexts = [NumStatistics]struct{ formula, description string }{
	StatMedian:       {"smallest value whose cumulative weight x 100 >= 50 x total", "what is usual"},
	StatP25:          {"smallest value whose cumulative weight x 100 >= 25 x total", "lower quartile"},
	StatP75:          {"smallest value whose cumulative weight x 100 >= 75 x total", "upper quartile"},
	StatP95:          {"smallest value whose cumulative weight x 100 >= 95 x total", "what is rarely exceeded"},
	StatP99:          {"smallest value whose cumulative weight x 100 >= 99 x total", "what is hardly ever exceeded"},
	StatMAD:          {"weighted median of abs(x - median)", "usual distance from the median"},
	StatIQR:          {"p75 - p25", "width of the middle half"},
	StatSupportCount: {"count(x not null), unweighted", "number of values"},
	StatColdStartFlag: {"1 if support_count < support_min else 0",
		"whether there are too few values"},
}

// fgb lists the statistics of hosts and of segments: by role, metric, window and statistic.
func (c catalogMaker) fgb(number int) (entries []Entry) {
	for _, t := range [...]struct {
		table *Table
		of    string
	}{{FGBHostTable(), "a host"}, {FGBSegmentTable(), "a segment"}} {
		for _, r := range catalogRoles {
			for m := range Metrics {
				for _, w := range Windows {
					for s := range Statistic(NumStatistics) {
						col := t.table.Columns[t.table.Column(FGBColumn(MetricID(m), s))]
						col.Name = FGBFeatureName(r, Metrics[m].Name, w.Label, s)
						e := c.entry(t.table.Name, number+len(entries), col)
						x := FGAFeatureName(r, Metrics[m].Name, w.Label)
						e.Formula = statisticTexts[s].formula + ", x = " + x
						e.Description = "of " + t.of + " in a time band: " + statisticTexts[s].description + " of " + x
						e.Creator, e.Upstream, e.Consumers = "feature/baseline_stats.go", []string{DatasetFGA + "." + x}, []string{DatasetFGC}
						e.Default = statisticDefault(s)
						entries = append(entries, e)
					}
				}
			}
		}
	}
	return entries
}

// statisticDefault is the value without observations.
func statisticDefault(s Statistic) string {
	switch s {
	case StatSupportCount:
		return "0"
	case StatColdStartFlag:
		return "1"
	}
	return "null"
}

// rarityTexts are the columns of fg_b/pair/host and fg_b/pair/segment.
var rarityTexts = []struct{ name, formula, description string }{
	{"pair_seen_count", "sum(sessions_cnt)", "sessions of the pair in the horizon"},
	{"pair_last_seen_ts", "max(event_ts)", "end of the last slice with the pair"},
	{"active_days", "count(distinct UTC days of slice_start_ts)", "days with the pair"},
	{"pair_daily_avg", "pair_seen_count / max(1, active_days)", "sessions on a day with the pair"},
	{"pair_rarity_score", "1 / (1 + pair_seen_count)", "how rare the pair is: 1 was never seen"},
	{"is_new_pair_flag", "1 if pair_seen_count = 0 else 0", "whether the pair is new"},
	{"is_rare_pair_flag", "1 if pair_rarity_score >= rarity_threshold else 0", "whether the pair is rare"},
}

// pairRarity lists the columns that both tables of pairs have.
func (c catalogMaker) pairRarity(number int) (entries []Entry) {
	t := FGBPairHostTable()
	for _, text := range rarityTexts {
		e := c.entry(t.Name, number+len(entries), t.Columns[t.Column(text.name)])
		e.Formula, e.Description = text.formula, text.description
		e.Creator, e.Consumers = "feature/baseline_rules.go", []string{DatasetFGC}
		e.Upstream = []string{DatasetPairCounts + ".sessions_cnt", DatasetPairCounts + ".event_ts"}
		entries = append(entries, e)
	}
	return entries
}
