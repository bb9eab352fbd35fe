package configs

import (
	"fmt"
	"time"

	"ndr/feature"
)

// Slices is how event time is cut and how long records are waited for.
type Slices struct {
	Length, Offset               time.Duration
	AllowedLateness, IdleTimeout time.Duration
	MaxFutureSkew, MaxPast       time.Duration
	PairTimeout, MergeSlack      time.Duration
	EventTime                    string // event_end or event_start
}

func (c *Slices) fields() []field {
	length := oneOfDurations(feature.SliceLength)
	return []field{
		leaf("length", FormatDuration(feature.SliceLength), one[time.Duration]{&c.Length, length},
			"Length of a slice, which is 15m: windows are stated in it."),
		leaf("offset", "0s", one[time.Duration]{&c.Offset, sliceOffset()},
			"Shift of the slices against the full quarter of an hour, whole minutes below 15m; "+
				"fixed for a root at the first start."),
		by(leaf("allowed_lateness", "", one[time.Duration]{&c.AllowedLateness, duration(0)},
			"How long behind the newest event of its partition a record may come and still be in time."),
			"2m; 10m for format vpc-text; 1h for type file"),
		leaf("idle_timeout", "1m", one[time.Duration]{&c.IdleTimeout, duration(time.Second)},
			"How long a partition must be silent before its time goes on by the clock."),
		leaf("max_future_skew", "5m", one[time.Duration]{&c.MaxFutureSkew, duration(0)},
			"How far an event may lie after its record's time; a later one is rejected."),
		leaf("max_past", "168h", one[time.Duration]{&c.MaxPast, duration(time.Minute)},
			"How far an event may lie before its record's time; an earlier one is rejected."),
		leaf("pair_timeout", "2m", one[time.Duration]{&c.PairTimeout, duration(0)},
			"How long one direction of a connection waits for the other, for formats that log them apart."),
		leaf("merge_slack", "5s", one[time.Duration]{&c.MergeSlack, duration(0)},
			"Largest gap between two export windows of one connection that count as one in interval statistics."),
		leaf("event_time", "event_end", one[string]{&c.EventTime, oneOf("event_end", "event_start")},
			"Which time of a flow decides its slice; fixed for a root at the first start."),
	}
}

// oneOfDurations is a duration of which only one value is possible.
func oneOfDurations(only time.Duration) scalar[time.Duration] {
	s := duration(0)
	parse := s.parse
	s.parse = func(t string) (time.Duration, error) {
		d, err := parse(t)
		if err == nil && d != only {
			return 0, fmt.Errorf("is not possible: the only length is %s", FormatDuration(only))
		}
		return d, err
	}
	return s
}

func sliceOffset() scalar[time.Duration] {
	s := duration(0)
	parse := s.parse
	s.parse = func(t string) (time.Duration, error) {
		d, err := parse(t)
		if err == nil && (d%time.Minute != 0 || d >= feature.SliceLength) {
			return 0, fmt.Errorf("is not whole minutes below %s", FormatDuration(feature.SliceLength))
		}
		return d, err
	}
	return s
}
