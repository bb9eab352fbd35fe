package sinks

import (
	"encoding/binary"
	"errors"
	"math"

	"ndr/feature"
)

// The local form of a row of statistics: role, window, flags (1 cold start, 2 full history), and per metric the
// support and its flag as a uvarint (twice the support, plus 1 when cold); where there is support, the median, p25,
// p75, p95, p99, mad and iqr follow. A number that is whole and not negative is twice itself as a uvarint, any other
// the byte 1 and its 8 bytes.

var errBaselineRow = errors.New("read local file of baselines: row cut short")

const (
	flagCold = 1
	flagFull = 2
)

func appendStats(dst []byte, role feature.Role, window int, flags byte, s *feature.BaselineStats) []byte {
	dst = append(dst, byte(role), byte(window), flags)
	for m := range s {
		b := &s[m]
		n := uint64(b.Support) << 1
		if b.Cold {
			n++
		}
		dst = binary.AppendUvarint(dst, n)
		if b.Support == 0 {
			continue
		}
		for _, x := range [...]float64{b.Median, b.P25, b.P75, b.P95, b.P99, b.MAD, b.IQR} {
			dst = appendNumber(dst, x)
		}
	}
	return dst
}

func appendNumber(dst []byte, x float64) []byte {
	if x >= 0 && x < 1<<53 {
		if n := uint64(x); float64(n) == x {
			return binary.AppendUvarint(dst, n<<1)
		}
	}
	return binary.LittleEndian.AppendUint64(append(dst, 1), math.Float64bits(x))
}

// readStats reads what appendStats wrote and returns the rest.
func readStats(b []byte, s *feature.BaselineStats) (role feature.Role, window int, flags byte, rest []byte, err error) {
	if len(b) < 3 || b[0] > 1 || int(b[1]) >= len(feature.Windows) {
		return 0, 0, 0, nil, errBaselineRow
	}
	role, window, flags, b = feature.Role(b[0]), int(b[1]), b[2], b[3:]
	for m := range s {
		n, k := binary.Uvarint(b)
		if k <= 0 {
			return 0, 0, 0, nil, errBaselineRow
		}
		b = b[k:]
		d := &s[m]
		*d = feature.MetricBaseline{Support: int64(n >> 1), Cold: n&1 == 1}
		if d.Support == 0 {
			continue
		}
		for _, x := range [...]*float64{&d.Median, &d.P25, &d.P75, &d.P95, &d.P99, &d.MAD, &d.IQR} {
			if *x, b, err = readNumber(b); err != nil {
				return 0, 0, 0, nil, err
			}
		}
	}
	return role, window, flags, b, nil
}

func readNumber(b []byte) (float64, []byte, error) {
	n, k := binary.Uvarint(b)
	switch {
	case k <= 0:
		return 0, nil, errBaselineRow
	case n&1 == 0:
		return float64(n >> 1), b[k:], nil
	case len(b) < k+8:
		return 0, nil, errBaselineRow
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[k:])), b[k+8:], nil
}

// The local form of a pair: sessions, last event_ts, days, flags (1 new, 2 rare), then the average and the score.

func appendPairBaseline(dst []byte, p *feature.PairBaseline) []byte {
	dst = binary.AppendVarint(dst, p.Seen)
	dst = binary.AppendVarint(dst, p.LastSeen)
	dst = binary.AppendVarint(dst, p.ActiveDays)
	flags := byte(0)
	if p.New {
		flags |= 1
	}
	if p.Rare {
		flags |= 2
	}
	return appendNumber(appendNumber(append(dst, flags), p.DailyAvg), p.Rarity)
}

func readPairBaseline(b []byte) (p feature.PairBaseline, err error) {
	for _, x := range [...]*int64{&p.Seen, &p.LastSeen, &p.ActiveDays} {
		n, k := binary.Varint(b)
		if k <= 0 {
			return p, errBaselineRow
		}
		*x, b = n, b[k:]
	}
	if len(b) == 0 {
		return p, errBaselineRow
	}
	p.New, p.Rare = b[0]&1 != 0, b[0]&2 != 0
	if p.DailyAvg, b, err = readNumber(b[1:]); err != nil {
		return p, err
	}
	p.Rarity, _, err = readNumber(b)
	return p, err
}
