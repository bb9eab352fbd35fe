package synth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The names of the attacks that Config.Attacks takes.
const (
	AttackBeacon         = "beacon"          // a connection every 60 s +-8% to a peer that nobody else has
	AttackSlowBeacon     = "slow_beacon"     // the same every 15 minutes +-10%
	AttackExfiltration   = "exfiltration"    // hundreds of MB to a new peer within an hour, at night if there is one
	AttackLateral        = "lateral"         // SMB, RDP, WinRM and RPC to many internal peers, new for the host
	AttackScanHorizontal = "scan_horizontal" // one port of thousands of internal addresses
	AttackScanVertical   = "scan_vertical"   // thousands of ports of one server
	AttackAll            = "all"             // all of them
)

// AttackNames lists the attacks, without AttackAll.
func AttackNames() []string {
	return []string{AttackBeacon, AttackSlowBeacon, AttackExfiltration, AttackLateral, AttackScanHorizontal,
		AttackScanVertical}
}

// Config says how large the company is and how long to watch it.
type Config struct {
	// Seed chooses one of the possible companies.
	Seed uint64
	// Hosts is the number of workstations, at most ten million. Default 100.
	Hosts int
	// Start is when the first flows begin, to the millisecond, not before 1970. Default 2026-01-05 00:00 UTC, a
	// Monday. Working hours are in UTC.
	Start time.Time
	// Length is how long flows end, from Start on. Default 24 hours.
	Length time.Duration
	// Rate is the mean number of benign flows per second over the whole length, day and night. Default 0: what so
	// many workstations make by themselves, about 0.1 for each while it is in use.
	Rate float64
	// Attacks are names of AttackNames, or AttackAll. Default none. They begin in the last six hours, or in the
	// second half if the length is below twelve, so that the history before them is clean; only the exfiltration
	// looks for a night in the last 24 hours.
	Attacks []string
	// Thin keeps this share of the benign flows and every flow of the attacks, to make a long history cheap:
	// Rate, or the natural rate, is multiplied by it. Default 1.
	Thin float64
}

// maxHosts is what the addresses from 10.1.0.0 to 10.199.255.255 have room for, rounded down.
const maxHosts = 10_000_000

// Validate reports all faults of the configuration.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Hosts < 0 || c.Hosts > maxHosts {
		fault("hosts: %d is not between 0 and %d", c.Hosts, maxHosts)
	}
	if y := c.Start.Year(); !c.Start.IsZero() && (y < 1970 || y > 2200) {
		fault("start: %s is not between 1970 and 2200", c.Start.Format(time.RFC3339))
	}
	if c.Length < 0 || c.Length > 10*365*24*time.Hour {
		fault("length: %s is not between 0 and ten years", c.Length)
	}
	if !(c.Rate >= 0 && c.Rate <= 1e7) {
		fault("rate: %g is not between 0 and 10000000 flows per second", c.Rate)
	}
	if !(c.Thin >= 0 && c.Thin <= 1) {
		fault("thin: %g is not between 0 and 1", c.Thin)
	}
	for _, name := range c.Attacks {
		if name != AttackAll && !slices.Contains(AttackNames(), name) {
			fault("attacks: unknown name %q (known: %s, %s)", name, strings.Join(AttackNames(), ", "), AttackAll)
		}
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.Hosts == 0 {
		c.Hosts = 100
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	}
	if c.Length == 0 {
		c.Length = 24 * time.Hour
	}
	if c.Thin == 0 {
		c.Thin = 1
	}
	return c
}

// wants reports whether an attack is asked for.
func (c Config) wants(name string) bool {
	return slices.Contains(c.Attacks, name) || slices.Contains(c.Attacks, AttackAll)
}
