package oracle

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// generated are made-up inputs with what real captures lack: day boundaries, negative times, long gaps, late and
// broken records, THREAT records, several files, and another configuration than the default.
var generated = []struct {
	name, format string
	files        func(r *rand.Rand) []string
	options      func(o *Options)
	config       string
}{
	{name: "zeek-tsv three days", format: "zeek-tsv", files: func(r *rand.Rand) []string {
		return []string{zeekText(traffic(r, day(2023, 6, 2), day(2023, 6, 5), 1800))}
	}},
	{name: "zeek-tsv three files", format: "zeek-tsv", files: func(r *rand.Rand) []string {
		return []string{zeekText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 300)),
			zeekText(traffic(r, day(2023, 6, 2).Add(9*time.Hour), day(2023, 6, 3), 200)),
			zeekText(traffic(r, day(2023, 6, 2).Add(23*time.Hour), day(2023, 6, 3).Add(3*time.Hour), 200))}
	}},
	{name: "zeek-tsv around 1970", format: "zeek-tsv", files: func(r *rand.Rand) []string {
		return []string{zeekText(traffic(r, day(1969, 12, 30).Add(18*time.Hour), day(1970, 1, 1).Add(6*time.Hour), 800))}
	}},
	{name: "zeek-tsv gaps and old history", format: "zeek-tsv", files: func(r *rand.Rand) []string {
		flows := traffic(r, day(2023, 5, 1), day(2023, 5, 1).Add(2*time.Hour), 150)
		for _, d := range []int{29, 30, 33} {
			from := day(2023, 5, 1).AddDate(0, 0, d)
			flows = append(flows, traffic(r, from, from.Add(3*time.Hour), 150)...)
		}
		return []string{zeekText(flows)}
	}},
	{name: "zeek-json", format: "zeek-json", files: func(r *rand.Rand) []string {
		return []string{zeekJSONText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 800))}
	}},
	{name: "panos-json", format: "panos-json", files: func(r *rand.Rand) []string {
		return []string{panosJSONText(traffic(r, day(2023, 6, 2), day(2023, 6, 4), 1200))}
	}},
	{name: "panos-csv", format: "panos-csv", files: func(r *rand.Rand) []string {
		return []string{panosCSVText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 800))}
	}},
	{name: "suricata-eve", format: "suricata-eve", files: func(r *rand.Rand) []string {
		return []string{suricataText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 800))}
	}},
	{name: "vpc-text", format: "vpc-text", files: func(r *rand.Rand) []string {
		return []string{vpcText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 1200))}
	}},
	{name: "configured", format: "panos-json", files: func(r *rand.Rand) []string {
		return []string{panosJSONText(traffic(r, day(2023, 6, 2), day(2023, 6, 4), 1500))}
	}, options: configure, config: configuration},
	{name: "by event start", format: "zeek-tsv", files: func(r *rand.Rand) []string {
		return []string{zeekText(traffic(r, day(2023, 6, 2), day(2023, 6, 3), 800))}
	}, options: func(o *Options) { o.ByEventStart = true }, config: "version: 1\nslices: {event_time: event_start}\n"},
}

const configuration = `version: 1
slices: {offset: 8m, allowed_lateness: 20m}
internal_networks: [10.0.0.0/8, "fc00::/7", 203.0.113.0/24]
segments:
  table:
    - {cidr: 10.0.0.0/16, id: office}
    - {cidr: 10.0.1.0/24, id: servers}
    - {cidr: 93.184.0.0/16, id: partner}
  high_risk: {deny: [servers, partner, 8.0.0.0/8, "2001:db8::/32"], allow: [93.184.216.35/32]}
calendar: {timezone: America/New_York, weekend: [Fri, Sat], time_bands: six}
features: {fg_a: {rare_thresholds: {peer: 3, port: 2}}}
port_sets: {high_risk: [443, 6667]}
`

// configure sets what configuration says.
func configure(o *Options) {
	o.Offset, o.Lateness = 8*time.Minute, 20*time.Minute
	o.Internal = []netip.Prefix{mustPrefix("10.0.0.0/8"), mustPrefix("fc00::/7"), mustPrefix("203.0.113.0/24")}
	o.Segments = []Segment{{mustPrefix("10.0.0.0/16"), "office"}, {mustPrefix("10.0.1.0/24"), "servers"},
		{mustPrefix("93.184.0.0/16"), "partner"}}
	o.HighRiskDeny = []string{"servers", "partner", "8.0.0.0/8", "2001:db8::/32"}
	o.HighRiskAllow = []string{"93.184.216.35/32"}
	o.Calendar, _ = time.LoadLocation("America/New_York")
	o.Weekend = []time.Weekday{time.Friday, time.Saturday}
	o.SixBands = true
	o.RarePeer, o.RarePort = 3, 2
	o.PortSets["high_risk"] = []int{443, 6667}
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// TestGeneratedAgainstOracle replays made-up traffic with the product and compares every table, row by row.
func TestGeneratedAgainstOracle(t *testing.T) {
	binary := build(t)
	for i, c := range generated {
		t.Run(c.name, func(t *testing.T) {
			glob := write(t, c.files(rand.New(rand.NewPCG(1, uint64(i)))))
			o := DefaultOptions()
			extra := []string{"--shards", strconv.Itoa(1 + i%3)} // the captures run with the default
			if c.options != nil {
				c.options(&o)
			}
			if c.config != "" {
				path := filepath.Join(t.TempDir(), "ndr.yaml")
				if err := os.WriteFile(path, []byte(c.config), 0o644); err != nil {
					t.Fatal(err)
				}
				extra = append(extra, "--config", path)
			}
			judge(t, replay(t, binary, glob, c.format, extra...), glob, c.format, o)
		})
	}
}

// TestGeneratedIsWorthIt checks that the made-up inputs hold what they are made for.
func TestGeneratedIsWorthIt(t *testing.T) {
	for i, c := range generated {
		t.Run(c.name, func(t *testing.T) {
			files, err := ReadFiles(write(t, c.files(rand.New(rand.NewPCG(1, uint64(i))))))
			if err != nil {
				t.Fatal(err)
			}
			o := DefaultOptions()
			if c.options != nil {
				c.options(&o)
			}
			began := time.Now()
			result, err := Run(files, c.format, o)
			if err != nil {
				t.Fatal(err)
			}
			a := result.Accounting
			t.Logf("%v: %d closes, %d fg_a, %d lookback30d rows, %+v", time.Since(began).Round(time.Millisecond), len(result.Closed),
				len(result.Tables[FGA]), len(result.Tables[Lookback]), a)
			if a.Accepted < 250 || a.Late == 0 || a.Filtered["external"] == 0 || len(result.Tables[Lookback]) == 0 {
				t.Errorf("too tame: %+v, %d lookback30d rows", a, len(result.Tables[Lookback]))
			}
		})
	}
}

// write puts the texts into files, every second one compressed, and returns a glob that matches them.
func write(t *testing.T, texts []string) string {
	t.Helper()
	folder := t.TempDir()
	for i, text := range texts {
		f, err := os.Create(filepath.Join(folder, fmt.Sprintf("input-%d.log", i)))
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_, err = f.WriteString(text)
		} else {
			z := gzip.NewWriter(f)
			if _, err = z.Write([]byte(text)); err == nil {
				err = z.Close()
			}
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "input-*.log")
}
