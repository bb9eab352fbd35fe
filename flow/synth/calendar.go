package synth

import "time"

const (
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
	minute      = int64(time.Minute)
	hour        = int64(time.Hour)
	day         = 24 * hour
)

// weekend reports whether a time is on Saturday or Sunday, UTC.
func weekend(t int64) bool {
	weekday := (t/day + 4) % 7 // 1970-01-01 was a Thursday
	return weekday == 0 || weekday == 6
}

// presence is the chance from 0 to 1 that the person of a workstation is at work: from between 7 and 9 to between 16
// and 18 UTC from Monday to Friday, less at noon; some come on weekends. The hash of the workstation decides.
func presence(hash uint64, t int64) float64 {
	const away = 0.01 // what a machine does without its person
	ofDay := t % day
	if weekend(t) {
		if mix(hash^uint64(t/day))%20 == 0 && ofDay >= 9*hour && ofDay < 15*hour {
			return 0.5
		}
		return away
	}
	from := 7*hour + int64(hash%7200)*second
	to := 16*hour + int64(hash>>32%7200)*second
	switch {
	case ofDay < from || ofDay >= to:
		return away
	case ofDay >= 12*hour && ofDay < 13*hour:
		return 0.5
	}
	return 1
}

// powered is the chance that a workstation runs: two of five always do.
func powered(hash uint64, t int64) float64 {
	if hash>>16%5 < 2 {
		return 1
	}
	return presence(hash, t)
}

// busyness follows the day of customers: never quite still, most in the afternoon.
func busyness(t int64) float64 {
	const hours = "\x02\x01\x01\x01\x01\x02\x03\x05\x07\x08\x08\x09\x08\x09\x0a\x0a\x09\x08\x07\x06\x06\x05\x04\x03"
	b := float64(hours[t%day/hour]) / 10
	if weekend(t) {
		b /= 2
	}
	return b
}

// within returns the share function of what happens at some hours of each day only.
func within(from, to int64) func(int64) float64 {
	return func(t int64) float64 {
		if t%day >= from && t%day < to {
			return 1
		}
		return 0
	}
}

// mix spreads a number over 64 bits (the finalizer of SplitMix64, https://prng.di.unimi.it/splitmix64.c).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
