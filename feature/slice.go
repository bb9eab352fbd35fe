package feature

import (
	"fmt"
	"time"
)

// SliceLength is the length of a slice. Windows, minute histograms and labels are stated in it.
const SliceLength = 15 * time.Minute

// Slice numbers the slices of one Clock: slice i covers [i*15m+offset, (i+1)*15m+offset) UTC, aligned to the
// Unix epoch; slices before it are negative.
type Slice int64

// Clock aligns slices: Offset is whole minutes, 0 <= Offset < SliceLength.
type Clock struct{ Offset time.Duration }

// Of returns the slice of an event time in nanoseconds since the Unix epoch.
func (c Clock) Of(nanos int64) Slice {
	return Slice(floorDiv(nanos-int64(c.Offset), int64(SliceLength)))
}

// Start returns the first instant of s, in nanoseconds since the Unix epoch.
func (c Clock) Start(s Slice) int64 { return int64(s)*int64(SliceLength) + int64(c.Offset) }

// End returns the instant at which s ends (exclusive), in nanoseconds since the Unix epoch.
func (c Clock) End(s Slice) int64 { return c.Start(s + 1) }

// Day returns the UTC day of s, which is that of its start, in days since the Unix epoch.
func (c Clock) Day(s Slice) int32 { return int32(floorDiv(c.Start(s), int64(24*time.Hour))) }

// Minute returns the minute of the slice (0..14) in which an event time lies.
func (c Clock) Minute(nanos int64) int {
	return int((nanos - c.Start(c.Of(nanos))) / int64(time.Minute))
}

// Name is the slice's start in the form that paths and mini_batch_id use: YYYYMMDDTHHMMZ.
func (c Clock) Name(s Slice) string {
	return time.Unix(0, c.Start(s)).UTC().Format(sliceLayout)
}

const sliceLayout = "20060102T1504Z"

// ParseName returns the slice that Name names so; a time at which no slice begins is an error.
func (c Clock) ParseName(name string) (Slice, error) {
	at, err := time.Parse(sliceLayout, name)
	if s := c.Of(at.UnixNano()); err == nil && c.Name(s) == name {
		return s, nil
	}
	return 0, fmt.Errorf("parse slice %q: want the start of a slice as YYYYMMDDTHHMMZ, offset %s", name, c.Offset)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
