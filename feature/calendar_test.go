package feature

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCalendarAt(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	for _, c := range []struct {
		at   string
		zone *time.Location
		six  bool
		want TimeContext
	}{
		{"2026-03-18T06:59:59Z", time.UTC, false, TimeContext{6, "Wed", 0, 0, 1, 0, "off_hours"}},
		{"2026-03-18T07:00:00Z", time.UTC, false, TimeContext{7, "Wed", 1, 0, 0, 0, "working_hours"}},
		{"2026-03-18T16:45:00Z", time.UTC, false, TimeContext{16, "Wed", 1, 0, 0, 0, "working_hours"}},
		{"2026-03-18T17:00:00Z", time.UTC, false, TimeContext{17, "Wed", 0, 1, 0, 0, "off_hours"}},
		{"2026-03-18T22:00:00Z", time.UTC, false, TimeContext{22, "Wed", 0, 0, 1, 0, "off_hours"}},
		{"2026-03-21T08:00:00Z", time.UTC, false, TimeContext{8, "Sat", 1, 0, 0, 1, "working_hours"}},
		{"2026-03-23T00:00:00Z", time.UTC, true, TimeContext{0, "Mon", 0, 0, 1, 0, "WD_NIGHT"}},
		{"2026-03-22T21:45:00Z", time.UTC, true, TimeContext{21, "Sun", 0, 1, 0, 1, "WE_OFF"}},
		{"2026-03-22T12:00:00Z", time.UTC, true, TimeContext{12, "Sun", 1, 0, 0, 1, "WE_WORKING"}},
		{"2026-03-22T23:00:00Z", time.UTC, true, TimeContext{23, "Sun", 0, 0, 1, 1, "WE_NIGHT"}},
		{"2026-03-18T18:30:00Z", kolkata, true, TimeContext{0, "Thu", 0, 0, 1, 0, "WD_NIGHT"}},
		{"2026-03-18T02:15:00Z", kolkata, true, TimeContext{7, "Wed", 1, 0, 0, 0, "WD_WORKING"}},
		{"2026-03-18T12:00:00Z", kolkata, true, TimeContext{17, "Wed", 0, 1, 0, 0, "WD_OFF"}},
	} {
		cal := DefaultCalendar()
		cal.Location, cal.SixBands = c.zone, c.six
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(cal.At(at.UnixNano()), c.want); d != "" {
			t.Errorf("%s in %s (-got +want):\n%s", c.at, c.zone, d)
		}
	}
}

func TestCalendarValidate(t *testing.T) {
	if err := DefaultCalendar().Validate(); err != nil {
		t.Errorf("the default calendar: %v", err)
	}
	bad := &Calendar{Working: [2]int{9, 25}, Off: [2]int{-1, 10}}
	err := bad.Validate()
	if err == nil {
		t.Fatal("a faulty calendar was taken")
	}
	for _, want := range []string{"no time zone", "working_hours [9 25]", "off_hours [-1 10]", "overlap"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}
