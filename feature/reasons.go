package feature

import (
	"math"
	"strconv"
)

// numReasons is how many metrics top_reasons names.
const numReasons = 5

// reason is a metric of a row with its deviation.
type reason struct {
	role   Role
	metric MetricID
	strong float64 // abs z
}

// topReasonsOf finds the metrics of a row with the largest abs z_mad_clipped, ties by feature_number: that of the
// metric in FG-A, whose order is that of catalogRoles and Metrics.
func topReasonsOf(dst []reason, rule *deviationRule, metrics []MetricID, of *[2][NumMetrics]comparison) []reason {
	dst = dst[:0]
	for _, role := range catalogRoles {
		for _, m := range metrics {
			d := &of[role][m]
			if !d.valid {
				continue
			}
			strong := math.Abs(rule.clip(d.z))
			if len(dst) == numReasons && strong <= dst[numReasons-1].strong {
				continue
			}
			dst = insertReason(dst, reason{role, m, strong})
		}
	}
	return dst
}

// insertReason keeps the strongest in order, behind those that are as strong.
func insertReason(list []reason, r reason) []reason {
	if len(list) < numReasons {
		list = append(list, r)
	}
	i := len(list) - 1
	for ; i > 0 && list[i-1].strong < r.strong; i-- {
		list[i] = list[i-1]
	}
	list[i] = r
	return list
}

// appendReasons writes the reasons as JSON, an empty list where no metric has a baseline.
func appendReasons(dst []byte, list []reason, rule *deviationRule, window int, of *[2][NumMetrics]comparison, from *[2]chosen) []byte {
	dst = append(dst, '[')
	for i, r := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		d := &of[r.role][r.metric]
		dst = append(dst, `{"feature":"`...)
		dst = append(dst, r.role.Prefix()...)
		dst = append(dst, Metrics[r.metric].Name...)
		dst = append(dst, '_')
		dst = append(dst, Windows[window].Label...)
		dst = append(dst, `","value":`...)
		dst = appendNumber(dst, d.x)
		dst = append(dst, `,"median":`...)
		dst = appendNumber(dst, d.median)
		dst = append(dst, `,"z":`...)
		dst = appendNumber(dst, rule.clip(d.z))
		dst = append(dst, `,"source":"`...)
		dst = append(dst, sourceNames[from[r.role].source]...)
		dst = append(dst, `"}`...)
	}
	return append(dst, ']')
}

// appendNumber writes a finite number as JSON, the shortest text that reads back as the same.
func appendNumber(dst []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}
