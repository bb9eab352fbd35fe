package configs

import "time"

// Calendar tells what kind of time an hour is.
type Calendar struct {
	Timezone               *time.Location
	WorkingHours, OffHours Hours
	Weekend                []time.Weekday
	TimeBands              string // two or six
}

// Hours are the local hours [From, To) of a day, 0 <= From <= To <= 24.
type Hours struct{ From, To int }

func (c *Calendar) fields() []field {
	return []field{
		leaf("timezone", "UTC", one[*time.Location]{&c.Timezone, zone()}, "Time zone of the hours and days below."),
		leaf("working_hours", "[7, 17]", hours{&c.WorkingHours}, "Working hours of a day: from, up to but not with."),
		leaf("off_hours", "[17, 22]", hours{&c.OffHours}, "Off hours of a day; what is neither is night."),
		leaf("weekend", "[Sat, Sun]", many[time.Weekday]{to: &c.Weekend, of: weekday()}, "Days of the weekend."),
		leaf("time_bands", "two", one[string]{&c.TimeBands, oneOf("two", "six")},
			"Bands of the baselines: two (working or not), or six (with nights and weekends)."),
	}
}

// hours is a list of exactly two hours.
type hours struct{ to *Hours }

func (v hours) decode(l *loader, path string, n *node) {
	var list []int
	before := len(l.faults)
	many[int]{to: &list, of: whole[int](0, 24)}.decode(l, path, n)
	switch {
	case len(l.faults) > before || n.unknown:
	case len(list) != 2 || list[0] > list[1]:
		l.fault(path, n, "want two hours in order, such as [7, 17]")
	default:
		*v.to = Hours{list[0], list[1]}
	}
}

func (v hours) show() any    { return []any{int64(v.to.From), int64(v.to.To)} }
func (v hours) word() string { return "two hours, 0 to 24" }

func (v hours) schema() schema {
	return schema{"type": "array", "items": whole[int](0, 24).schema, "minItems": 2, "maxItems": 2}
}
