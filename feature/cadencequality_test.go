package feature

import (
	command "flag" // the package has a function of that name
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var qualityTable = command.Bool("cadence.table", false,
	"measure cadence on many synthetic pairs and print the tables of docs/signal-quality.md; needs -v")

const qualitySeed = 7

// quality holds the scores of the synthetic pairs of one form of records: beacons by period and jitter, background by
// kind, all rates together. Pairs that do not qualify have no evidence and no place here.
type quality struct {
	form       exports
	beacons    [][][]Evidence
	background [][]Evidence
}

// measureCadence scores pairs per period and jitter, and four times as many per rate and kind of background.
func measureCadence(t testing.TB, form exports, pairs int) *quality {
	q := &quality{form: form}
	c, err := NewCadence(DefaultCadence(), Clock{}, cadenceEnd)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(0)
	score := func(make arrivals, period float64, n int) (out []Evidence) {
		seed++
		rnd := rand.New(rand.NewPCG(qualitySeed, seed))
		for range n {
			if e, ok := c.Pair(form.syntheticView(rnd, make, period)); ok {
				out = append(out, e)
			}
			c.Pooled(Addr{})
		}
		return out
	}
	for _, p := range cadencePeriods {
		var row [][]Evidence
		for _, j := range cadenceJitters {
			row = append(row, score(beaconWith(j), p, pairs))
		}
		q.beacons = append(q.beacons, row)
	}
	for _, b := range background {
		var all []Evidence
		for _, p := range cadencePeriods {
			all = append(all, score(b.make, p, 4*pairs)...)
		}
		q.background = append(q.background, all)
	}
	return q
}

func cadenceOf(e Evidence) float64 { return e.Score }
func ritaOf(e Evidence) float64    { return e.Rita }

// all lists the scores of several forms.
func all(qs []*quality, by func(Evidence) float64) (beacons, background []float64) {
	for _, q := range qs {
		for _, row := range q.beacons {
			for _, cell := range row {
				beacons = append(beacons, scores(cell, by)...)
			}
		}
		for _, kind := range q.background {
			background = append(background, scores(kind, by)...)
		}
	}
	return beacons, background
}

func scores(es []Evidence, by func(Evidence) float64) (out []float64) {
	for _, e := range es {
		out = append(out, by(e))
	}
	return out
}

// rankArea is the area under the ROC curve: how often a beacon scores higher than background, a tie being half.
func rankArea(beacons, background []float64) float64 {
	slices.Sort(background)
	sum := 0.0
	for _, x := range beacons {
		below, _ := slices.BinarySearch(background, x)
		upTo, _ := slices.BinarySearchFunc(background, x, func(a, x float64) int {
			if a <= x {
				return -1
			}
			return 1
		})
		sum += float64(below+upTo) / 2
	}
	return sum / float64(len(beacons)) / float64(len(background))
}

// foundAt is the share of beacons above the least score that at most the given share of background exceeds.
func foundAt(falsePositives float64, beacons, background []float64) float64 {
	slices.Sort(background)
	limit := background[len(background)-1-int(falsePositives*float64(len(background)))]
	found := 0
	for _, x := range beacons {
		if x > limit {
			found++
		}
	}
	return float64(found) / float64(len(beacons))
}

// atLeast is the share of scores that reach the limit.
func atLeast(limit float64, xs []float64) float64 {
	n := 0
	for _, x := range xs {
		if x >= limit {
			n++
		}
	}
	return float64(n) / float64(max(1, len(xs)))
}

// TestCadenceQuality separates synthetic beacons from background, and counts false pairs at a score of 0.99. With
// -cadence.table it does so with many more pairs and prints what it found.
func TestCadenceQuality(t *testing.T) {
	pairs := 8
	if *qualityTable {
		pairs = 200
	}
	var qs []*quality
	for _, form := range exportForms {
		qs = append(qs, measureCadence(t, form, pairs))
	}
	for _, c := range []struct {
		name        string
		forms       []*quality
		area, found float64
	}{
		{"per session", qs[:1], 0.99, 0.90},
		{"windows of first and last packets", qs[1:3], 0.99, 0.90},
		{"all windows", qs[1:], 0.86, 0.48},
		{"window bounds", qs[3:], 0.70, 0.48},
	} {
		beacons, others := all(c.forms, cadenceOf)
		if area := rankArea(beacons, others); area < c.area {
			t.Errorf("%s: area under the curve %.4f, want %.2f", c.name, area, c.area)
		}
		if found := foundAt(0.01, beacons, others); found < c.found {
			t.Errorf("%s: %.4f found at 1%% false positives, want %.2f", c.name, found, c.found)
		}
	}
	for _, q := range qs {
		for i, kind := range q.background {
			// 1% in a hundred, and four standard errors.
			limit := 0.01 + 0.4/math.Sqrt(float64(len(kind)))
			if share := atLeast(0.99, scores(kind, cadenceOf)); share > limit {
				t.Errorf("%s, %s: %.4f score 0.99, want at most %.4f", q.form.name, background[i].name, share, limit)
			}
		}
	}
	if *qualityTable {
		fmt.Print(qualityMarkdown(qs))
	}
}

func qualityMarkdown(qs []*quality) string {
	var b strings.Builder
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	head := func(cells ...string) {
		row(cells...)
		row(slices.Repeat([]string{"---"}, len(cells))...)
	}
	number := func(x float64) string { return fmt.Sprintf("%.3f", x) }

	head("records", "AUC", "found at 1% false", "found at 0.99", "false at 0.99", "rita_score: AUC", "found at 1% false")
	summary := func(name string, qs []*quality) {
		x, y := all(qs, cadenceOf)
		u, v := all(qs, ritaOf)
		row(name, number(rankArea(x, y)), number(foundAt(0.01, x, y)), number(atLeast(0.99, x)), number(atLeast(0.99, y)),
			number(rankArea(u, v)), number(foundAt(0.01, u, v)))
	}
	for _, q := range qs {
		summary(q.form.name, []*quality{q})
	}
	summary("all windows", qs[1:])
	summary("all window bounds", qs[3:])

	b.WriteString("\nFound at 0.99, by period in seconds:\n\n")
	cells := []string{"records", "jitter"}
	for _, p := range cadencePeriods {
		cells = append(cells, fmt.Sprint(p))
	}
	head(cells...)
	for _, q := range qs {
		for j, jitter := range cadenceJitters {
			cells := []string{q.form.name, fmt.Sprintf("%.0f%%", 100*jitter)}
			for p := range cadencePeriods {
				cells = append(cells, fmt.Sprintf("%.2f", atLeast(0.99, scores(q.beacons[p][j], cadenceOf))))
			}
			row(cells...)
		}
	}

	b.WriteString("\nFalse at 0.99, by kind of background:\n\n")
	cells = []string{"records"}
	for _, k := range background {
		cells = append(cells, k.name)
	}
	head(cells...)
	for _, q := range qs {
		cells := []string{q.form.name}
		for _, kind := range q.background {
			cells = append(cells, number(atLeast(0.99, scores(kind, cadenceOf))))
		}
		row(cells...)
	}
	return b.String()
}
