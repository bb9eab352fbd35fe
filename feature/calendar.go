package feature

import (
	"errors"
	"fmt"
	"time"
)

// Calendar tells what kind of time a window's end is. Hours are local to Location. It is read-only.
type Calendar struct {
	Location *time.Location
	Working  [2]int  // [from, to) in whole hours, 0 <= from <= to <= 24
	Off      [2]int  // the same; what is neither working nor off is night
	Weekend  [7]bool // by time.Weekday
	SixBands bool    // time_band of six values instead of two
}

// DefaultCalendar is UTC, working [7, 17), off [17, 22), Saturday and Sunday, two time bands.
func DefaultCalendar() *Calendar {
	c := &Calendar{Location: time.UTC, Working: [2]int{7, 17}, Off: [2]int{17, 22}}
	c.Weekend[time.Saturday], c.Weekend[time.Sunday] = true, true
	return c
}

// Validate reports all faults.
func (c *Calendar) Validate() error {
	var faults []error
	if c.Location == nil {
		faults = append(faults, errors.New("check calendar: no time zone"))
	}
	for _, h := range []struct {
		name string
		span [2]int
	}{{"working_hours", c.Working}, {"off_hours", c.Off}} {
		if h.span[0] < 0 || h.span[1] > 24 || h.span[0] > h.span[1] {
			faults = append(faults, fmt.Errorf("check calendar: %s %v is not a span within 0..24", h.name, h.span))
		}
	}
	if max(c.Working[0], c.Off[0]) < min(c.Working[1], c.Off[1]) {
		faults = append(faults, fmt.Errorf("check calendar: working_hours %v and off_hours %v overlap", c.Working, c.Off))
	}
	return errors.Join(faults...)
}

// TimeContext is the time context of a window; the flags are 0 or 1.
type TimeContext struct {
	Hour                         int64 // 0..23
	DayOfWeek                    string
	Working, Off, Night, Weekend int64
	Band                         string
}

// At returns the context of a window that ends at an instant (nanoseconds since the Unix epoch): the one that ends
// at 17:00 local time has hour 17.
func (c *Calendar) At(nanos int64) TimeContext {
	t := time.Unix(0, nanos).In(c.Location)
	hour := t.Hour()
	x := TimeContext{Hour: int64(hour), DayOfWeek: t.Weekday().String()[:3]}
	day := "WD"
	if c.Weekend[t.Weekday()] {
		x.Weekend, day = 1, "WE"
	}
	part := "_NIGHT"
	switch {
	case c.Working[0] <= hour && hour < c.Working[1]:
		x.Working, part = 1, "_WORKING"
	case c.Off[0] <= hour && hour < c.Off[1]:
		x.Off, part = 1, "_OFF"
	default:
		x.Night = 1
	}
	switch {
	case c.SixBands:
		x.Band = day + part
	case x.Working == 1:
		x.Band = "working_hours"
	default:
		x.Band = "off_hours"
	}
	return x
}
