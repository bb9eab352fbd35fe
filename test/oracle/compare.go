package oracle

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// Diff is one disagreement. Column is empty when a whole row is missing, extra or double.
type Diff struct {
	Dataset, Key, Column string
	Want, Got            any
}

func (d Diff) String() string {
	if d.Column == "" {
		return fmt.Sprintf("%s %s: %v, got %v", d.Dataset, d.Key, d.Want, d.Got)
	}
	return fmt.Sprintf("%s %s %s: want %v (%T), got %v (%T)", d.Dataset, d.Key, d.Column, d.Want, d.Want, d.Got, d.Got)
}

// Compare matches the rows of two tables by their key columns and returns every disagreement, by key and column.
// Integers, texts and times must be equal, floats within 1e-9 of the larger or both within 1e-12 of zero; null
// equals null only. A column that one side lacks is a disagreement in each row.
func Compare(dataset string, want, got []Row, keys []string) []Diff {
	var diffs []Diff
	wanted, found := index(want, keys), index(got, keys)
	for key, rows := range wanted {
		if len(rows) > 1 {
			diffs = append(diffs, Diff{dataset, key, "", "one row wanted", len(rows)})
		}
		if found[key] == nil {
			diffs = append(diffs, Diff{dataset, key, "", "a row is missing", nil})
			continue
		}
		diffs = append(diffs, compareRow(dataset, key, rows[0], found[key][0])...)
	}
	for key, rows := range found {
		switch {
		case wanted[key] == nil:
			diffs = append(diffs, Diff{dataset, key, "", "no row wanted", "a row"})
		case len(rows) > 1:
			diffs = append(diffs, Diff{dataset, key, "", "one row wanted", len(rows)})
		}
	}
	sort.Slice(diffs, func(i, j int) bool {
		if diffs[i].Key != diffs[j].Key {
			return diffs[i].Key < diffs[j].Key
		}
		return diffs[i].Column < diffs[j].Column
	})
	return diffs
}

func compareRow(dataset, key string, want, got Row) []Diff {
	var diffs []Diff
	columns := map[string]bool{}
	for name := range want {
		columns[name] = true
	}
	for name := range got {
		columns[name] = true
	}
	for name := range columns {
		w, wanted := want[name]
		g, found := got[name]
		switch {
		case !found:
			diffs = append(diffs, Diff{dataset, key, name, w, "no such column"})
		case !wanted:
			diffs = append(diffs, Diff{dataset, key, name, "no such column", g})
		case !equal(w, g):
			diffs = append(diffs, Diff{dataset, key, name, w, g})
		}
	}
	return diffs
}

func equal(want, got any) bool {
	switch w := want.(type) {
	case nil:
		return got == nil
	case float64:
		g, ok := got.(float64)
		if !ok || math.IsNaN(w) || math.IsNaN(g) {
			return false
		}
		size := max(math.Abs(w), math.Abs(g))
		return w == g || size <= 1e-12 || math.Abs(w-g) <= 1e-9*size
	case time.Time:
		g, ok := got.(time.Time)
		return ok && w.Equal(g)
	}
	return want == got
}

func index(rows []Row, keys []string) map[string][]Row {
	m := map[string][]Row{}
	for _, row := range rows {
		var parts []string
		for _, k := range keys {
			if t, ok := row[k].(time.Time); ok {
				parts = append(parts, t.UTC().Format("2006-01-02T15:04:05.999999Z"))
			} else {
				parts = append(parts, fmt.Sprint(row[k]))
			}
		}
		key := strings.Join(parts, "|")
		m[key] = append(m[key], row)
	}
	return m
}

// Report writes at most n disagreements, and how many there are by column, so that one wrong rule is seen as such.
func Report(diffs []Diff, n int) string {
	byColumn := map[string]int{}
	for _, d := range diffs {
		name := d.Column
		if name == "" {
			name = fmt.Sprintf("(%v)", d.Want)
		}
		byColumn[name]++
	}
	var names []string
	for name := range byColumn {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	fmt.Fprintf(&text, "%d disagreements:", len(diffs))
	for _, name := range names {
		fmt.Fprintf(&text, " %s %d,", name, byColumn[name])
	}
	for _, d := range diffs[:min(n, len(diffs))] {
		fmt.Fprintf(&text, "\n  %s", d)
	}
	return text.String()
}
