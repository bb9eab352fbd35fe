package feature

import (
	"math"
	"slices"
)

// nullLevels are the probabilities that the null tables have a column for. A p-value below the first is the first; one
// above the last, doubled, is a score of 0 whatever it is.
var nullLevels = [...]float64{
	1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07,
	0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
}

// nullRow holds, for each level, the value that a statistic of Poisson intervals does not exceed with that
// probability, in steps of 1/nullSteps from 1 on; 0 when even the least value is more probable.
type nullRow [len(nullLevels)]uint16

const nullSteps = math.MaxUint16 - 1

// nullTable has a row for each of nullCounts. Its statistics lie in 0..1, smaller means more concentrated.
type nullTable [len(nullCounts)]nullRow

// chance is the p-value of x among n >= 2 intervals.
func (t *nullTable) chance(n int, x float64) float64 {
	at := nullPlaceOf(n)
	low := -1.0
	for j := range nullLevels {
		high := t.threshold(at, j)
		switch {
		case x > high:
			low = high
			continue
		case low < 0:
			return nullLevels[j]
		}
		a, b := math.Log(nullLevels[j-1]), math.Log(nullLevels[j])
		return math.Exp(a + float64((b-a)*(x-low)/(high-low)))
	}
	return 1
}

func (t *nullTable) threshold(at nullPlace, j int) float64 {
	a, b := t[at.row][j], t[at.next][j]
	if a == 0 || b == 0 {
		return -1
	}
	y, z := float64(a-1)/nullSteps, float64(b-1)/nullSteps
	return y + float64((z-y)*at.weight)
}

// nullPlace is where a count lies between two rows.
type nullPlace struct {
	row, next int
	weight    float64 // of next
}

// nullPlaceOf interpolates in 1/sqrt(n), in which the quantiles of both statistics become linear as n grows: to the last
// row, where n is infinite and all quantiles are the limit.
func nullPlaceOf(n int) nullPlace {
	i, found := slices.BinarySearch(nullCounts[:], n)
	if found {
		return nullPlace{row: i, next: i}
	}
	u := func(n int) float64 { return 1 / math.Sqrt(float64(n)) }
	a, b := u(nullCounts[i-1]), u(nullCounts[i])
	return nullPlace{i - 1, i, (u(n) - a) / (b - a)}
}
