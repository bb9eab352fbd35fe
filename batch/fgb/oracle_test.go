package fgb

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ndr/feature"
)

// oracle computes the tables of a horizon in the plainest way, from the rows in memory.
type oracle struct {
	w    *world
	cfg  *Config
	from time.Time
	to   time.Time
	name string

	groups map[oracleKey][]oracleRow
}

type oracleKey struct {
	host, role, segment, band, window string
}

type oracleRow struct {
	slice  feature.Slice
	values [feature.NumMetrics]float64
	zero   bool
	light  bool
}

func newOracle(w *world, cfg *Config, h Horizon) *oracle {
	end := cfg.Reference.AddDate(0, 0, -h.Gap)
	o := &oracle{w: w, cfg: cfg, to: end, from: end.AddDate(0, 0, -h.Days), name: h.Name, groups: map[oracleKey][]oracleRow{}}
	for _, r := range w.rows {
		if !o.in(r.slice) {
			continue
		}
		for role := range r.values {
			v := r.values[role]
			if v[feature.MSessionsCnt] == 0 {
				continue
			}
			for m := range v {
				if feature.Metrics[m].Kind == feature.KindNovelty && r.lookback < 7 {
					v[m] = math.NaN()
				}
			}
			k := oracleKey{r.host, feature.Role(role).String(), r.segment, o.band(r.slice), feature.Windows[r.window].Label}
			o.groups[k] = append(o.groups[k], oracleRow{slice: r.slice, values: v})
		}
	}
	if cfg.ZeroFill {
		o.zeroFill()
	}
	return o
}

// in reports whether rows of a slice count.
func (o *oracle) in(s feature.Slice) bool {
	end := time.Unix(0, o.w.clock.End(s))
	return !end.Before(o.from) && end.Before(o.to) && !o.w.missing[s]
}

func (o *oracle) band(s feature.Slice) string { return o.w.cal.At(o.w.clock.End(s)).Band }

func (o *oracle) zeroFill() {
	type at struct {
		host, role, window string
		slice              feature.Slice
	}
	have := map[at]bool{}
	activity := map[[2]string]map[feature.Slice]string{}
	for k, rows := range o.groups {
		for _, r := range rows {
			have[at{k.host, k.role, k.window, r.slice}] = true
			if k.window == "w_15m" {
				hr := [2]string{k.host, k.role}
				if activity[hr] == nil {
					activity[hr] = map[feature.Slice]string{}
				}
				activity[hr][r.slice] = k.segment
			}
		}
	}
	for hr, segments := range activity {
		var all []feature.Slice
		for s := range segments {
			all = append(all, s)
		}
		segment := ""
		for s := slices.Min(all); s <= slices.Max(all); s++ {
			if here, ok := segments[s]; ok {
				segment = here
			}
			for _, w := range feature.Windows {
				if have[at{hr[0], hr[1], w.Label, s}] || o.w.missing[s] {
					continue
				}
				r := oracleRow{slice: s, zero: true}
				for m := range r.values {
					if k := feature.Metrics[m].Kind; k != feature.KindSum && k != feature.KindMax {
						r.values[m] = math.NaN()
					}
				}
				k := oracleKey{hr[0], hr[1], segment, o.band(s), w.Label}
				o.groups[k] = append(o.groups[k], r)
			}
		}
	}
}

// naiveQuantile is the smallest value whose cumulative weight x 100 reaches percent x total.
func naiveQuantile(values []float64, weights []int64, percent int64) float64 {
	type item struct {
		x float64
		w int64
	}
	var items []item
	total := int64(0)
	for i, x := range values {
		items = append(items, item{x, weights[i]})
		total += weights[i]
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.x, b.x) })
	sum := int64(0)
	for i := 0; i < len(items); {
		x := items[i].x
		for ; i < len(items) && items[i].x == x; i++ {
			sum += items[i].w
		}
		if sum*100 >= percent*total {
			return x
		}
	}
	panic("no quantile")
}

// naiveStats are the statistics of a metric of rows.
func (o *oracle) naiveStats(rows []oracleRow, m int) (s [7]float64, support int64) {
	var values []float64
	var weights []int64
	for _, r := range rows {
		if x := r.values[m]; x == x {
			values = append(values, x)
			weights = append(weights, 1000)
			if r.light {
				weights[len(weights)-1] = o.cfg.Rules.LightWeight
			}
		}
	}
	if len(values) == 0 {
		return s, 0
	}
	q := func(p int64) float64 { return naiveQuantile(values, weights, p) }
	median := q(50)
	var distances []float64
	for _, x := range values {
		distances = append(distances, math.Abs(x-median))
	}
	return [7]float64{median, q(25), q(75), q(95), q(99), naiveQuantile(distances, weights, 50), q(75) - q(25)}, int64(len(values))
}

// cap marks the anomalies of all groups of a segment.
func (o *oracle) cap() {
	segments := map[oracleKey][]*oracleRow{}
	for k, rows := range o.groups {
		k.host = ""
		for i := range rows {
			segments[k] = append(segments[k], &rows[i])
		}
	}
	for _, rows := range segments {
		for _, m := range o.cfg.Rules.KeyMetrics {
			scaled := func(x float64) float64 {
				if o.cfg.Rules.Log && feature.Metrics[m].Type == feature.Int64 {
					return math.Log(1 + x)
				}
				return x
			}
			var values, distances []float64
			var ones []int64
			for _, r := range rows {
				if x := r.values[m]; x == x {
					values, ones = append(values, scaled(x)), append(ones, 1)
				}
			}
			if len(values) == 0 {
				continue
			}
			median := naiveQuantile(values, ones, 50)
			for _, x := range values {
				distances = append(distances, math.Abs(x-median))
			}
			mad := naiveQuantile(distances, ones, 50)
			for _, r := range rows {
				if mad > 0 && math.Abs((scaled(r.values[m])-median)/(mad+1e-6)) > o.cfg.Rules.ZMax {
					r.light = true
				}
			}
		}
	}
}

func statsText(cfg *Config, stats func(m int) ([7]float64, int64)) (text string, full bool) {
	var b strings.Builder
	full = true
	for m := range feature.Metrics {
		s, n := stats(m)
		for _, x := range s {
			if n == 0 {
				b.WriteString(" null")
			} else {
				fmt.Fprintf(&b, " %v", x)
			}
		}
		cold := 0
		if n < cfg.Rules.SupportMin[m] {
			cold = 1
			full = full && !slices.Contains(cfg.Rules.Required, feature.MetricID(m))
		}
		fmt.Fprintf(&b, " %d %d", n, cold)
	}
	return b.String(), full
}

// tables are the rows of all tables: by dataset and key, the rest as text.
func (o *oracle) tables() map[string]map[string]string {
	o.cap()
	out := map[string]map[string]string{}
	for _, d := range fgbDatasets {
		out[d] = map[string]string{}
	}
	bounds := fmt.Sprintf(" %d %d", o.from.UnixMicro(), o.to.UnixMicro())
	segments := map[string][]oracleRow{}
	typical := o.typical()
	for k, rows := range o.groups {
		key := strings.Join([]string{k.host, k.role, k.segment, k.band, k.window}, "|")
		text, full := statsText(o.cfg, func(m int) ([7]float64, int64) { return o.naiveStats(rows, m) })
		out[feature.DatasetFGBHost][key] = "v1 " + key + "|" + o.name + bounds + text
		name, fleeting := "null", 0
		if n, ok := o.w.machine[k.host]; ok {
			name = n
			for _, p := range o.cfg.NonPersistentPrefixes {
				if strings.HasPrefix(strings.ToLower(n), strings.ToLower(p)) {
					fleeting = 1
				}
			}
		}
		isFull, cold := 0, 1
		if full {
			isFull = 1
			cold = fleeting
		}
		out[feature.DatasetFGBIPMetadata][key] = fmt.Sprintf("v1 %s %d %d %d %s", name, isFull, fleeting, cold, typical[k.host])
		segment := strings.Join([]string{k.segment, k.role, k.band, k.window}, "|")
		segments[segment] = append(segments[segment], rows...)
	}
	for key, rows := range segments {
		text, _ := statsText(o.cfg, func(m int) ([7]float64, int64) { return o.naiveStats(rows, m) })
		out[feature.DatasetFGBSegment][key] = "v1" + bounds + text
	}
	o.pairTables(out)
	return out
}

func (o *oracle) typical() map[string]string {
	slicesOf := map[string]int{}
	for s := o.w.first - 1000; s < o.w.first+1000; s++ {
		if s >= o.w.first && o.in(s) {
			slicesOf[o.band(s)]++
		}
	}
	active := map[string]map[string]map[feature.Slice]bool{}
	for k, rows := range o.groups {
		for _, r := range rows {
			if k.window != "w_15m" || r.zero {
				continue
			}
			if active[k.host] == nil {
				active[k.host] = map[string]map[feature.Slice]bool{}
			}
			if active[k.host][k.band] == nil {
				active[k.host][k.band] = map[feature.Slice]bool{}
			}
			active[k.host][k.band][r.slice] = true
		}
	}
	out := map[string]string{}
	for host, bands := range active {
		var list []string
		for band, s := range bands {
			if float64(len(s)) >= 0.05*float64(slicesOf[band]) {
				list = append(list, band)
			}
		}
		slices.Sort(list)
		out[host] = strings.Join(list, ",")
	}
	return out
}

func (o *oracle) pairTables(out map[string]map[string]string) {
	type sum struct {
		seen, last int64
		days       map[int32]bool
	}
	type peer struct {
		hosts, segments map[string]bool
		seen            int64
		days            map[int32]bool
	}
	pairs := map[string]map[string]*sum{feature.DatasetFGBPairHost: {}, feature.DatasetFGBPairSegment: {}}
	peers := map[string]*peer{}
	for _, p := range o.w.pairs {
		if !o.in(p.slice) {
			continue
		}
		day := o.w.clock.Day(p.slice)
		for dataset, owner := range map[string]string{feature.DatasetFGBPairHost: p.src, feature.DatasetFGBPairSegment: p.segment} {
			key := fmt.Sprintf("%s|%s|%d", owner, p.dst, p.port)
			s := pairs[dataset][key]
			if s == nil {
				s = &sum{days: map[int32]bool{}}
				pairs[dataset][key] = s
			}
			s.seen += p.sessions
			s.last = max(s.last, o.w.clock.End(p.slice)/1000)
			s.days[day] = true
		}
		q := peers[p.dst]
		if q == nil {
			q = &peer{map[string]bool{}, map[string]bool{}, 0, map[int32]bool{}}
			peers[p.dst] = q
		}
		q.hosts[p.src], q.segments[p.segment], q.days[day] = true, true, true
		q.seen += p.sessions
	}
	for dataset, rows := range pairs {
		for key, s := range rows {
			rarity := 1 / float64(1+s.seen)
			rare := 0
			if rarity >= 0.5 {
				rare = 1
			}
			out[dataset][key] = fmt.Sprintf("v1 %d %d %d %v %v 0 %d", s.seen, s.last, len(s.days), float64(s.seen)/float64(len(s.days)), rarity, rare)
		}
	}
	for dst, p := range peers {
		out[feature.DatasetFGBPeer][dst] = fmt.Sprintf("v1 %d %d %d %d", len(p.hosts), len(p.segments), p.seen, len(p.days))
	}
}

var fgbDatasets = []string{feature.DatasetFGBHost, feature.DatasetFGBSegment, feature.DatasetFGBIPMetadata, feature.DatasetFGBPairHost,
	feature.DatasetFGBPairSegment, feature.DatasetFGBPeer}
