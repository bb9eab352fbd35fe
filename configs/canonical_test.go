package configs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Configurations that mean the same have the same bytes, however they are written.
func TestCanonicalIgnoresOrder(t *testing.T) {
	a, _ := load(t, small+`
internal_networks: [10.0.0.0/8, fc00::/7, 10.0.0.0/8]
port_sets: {admin: [22, 3389, 22]}
segments: {table: [{cidr: 10.2.0.0/16, id: b}, {cidr: 10.1.0.0/16, id: a}], high_risk: {deny: [b, a]}}
calendar: {weekend: [Sun, Sat]}
slices: {offset: 480s, max_past: 7d}
`, Options{})
	b, _ := load(t, small+`
internal_networks: [fc00::/7, 10.0.0.0/8]
port_sets: {admin: [3389, 22]}
segments: {table: [{cidr: 10.1.0.0/16, id: a}, {cidr: 10.2.0.0/16, id: b}], high_risk: {deny: [a, b]}}
calendar: {weekend: [Sat, Sun]}
slices: {offset: 8m, max_past: 168h}
`, Options{})
	if d := cmp.Diff(string(Canonical(a.Fixed())), string(Canonical(b.Fixed()))); d != "" {
		t.Errorf("fixed: %s", d)
	}
	if d := cmp.Diff(string(Canonical(a.Ingest(nil))), string(Canonical(b.Ingest(nil)))); d != "" {
		t.Errorf("ingest: %s", d)
	}
	if d := cmp.Diff(string(Canonical(a.Close())), string(Canonical(b.Close()))); d != "" {
		t.Errorf("close: %s", d)
	}
}

// Each setting changes exactly the parts that it decides.
func TestCanonicalSeesChanges(t *testing.T) {
	base, _ := load(t, small, Options{})
	for path, want := range map[string]string{
		"shards": "4 fixed ingest", "slices.offset": "8m fixed ingest", "slices.event_time": "event_start fixed ingest",
		"internal_networks": "10.0.0.0/8 fixed ingest", "source.format": "zeek-json ingest", "source.timezone": "Asia/Tokyo ingest",
		"source.vpc.both_ends": "true ingest", "port_sets.db": "1 ingest", "slices.allowed_lateness": "3m ingest",
		"slices.idle_timeout": "3m ingest", "slices.max_future_skew": "3m ingest", "slices.max_past": "3m ingest",
		"slices.pair_timeout": "3m ingest", "slices.merge_slack": "3s close", "limits.max_pairs_per_host": "9 ingest close",
		"limits.max_ports_per_peer": "9 ingest close", "limits.kept_flows": "9 ingest close",
		"limits.decompression.max_record": "1MiB ingest", "limits.decompression.max_input": "1MiB ingest",
		"segments.table": "[{cidr:10.1.0.0/16,id:a}] close", "segments.default_ipv4": "16 close",
		"segments.default_ipv6": "48 close", "segments.high_risk.deny": "10.9.0.0/16 close",
		"segments.high_risk.allow": "10.9.0.0/16 close", "calendar.timezone": "Asia/Tokyo close",
		"calendar.working_hours": "8,16 close", "calendar.off_hours": "18,20 close", "calendar.weekend": "Fri close",
		"calendar.time_bands": "six close", "features.layout": "both close", "features.fg_a.rare_thresholds.peer": "2 close",
		"features.fg_a.rare_thresholds.port": "2 close", "features.pair_context.windows": "w_1h close",
		"features.fg_c.z_max": "5 close", "data_locations.fg_a.prefix": "lake close", "root": "s3://b ", "state.dir": "x ",
		"limits.memory": "2GiB ", "limits.max_cut_interval": "1m ", "source.file.inputs": "b.log ", "admin.listen": ":1 ",
		"baselines.zero_fill": "true ",
	} {
		value, parts, _ := strings.Cut(want, " ")
		value = strings.ReplaceAll(value, ":10.1", ": 10.1")
		value = strings.ReplaceAll(value, "id:", "id: ")
		c, _ := load(t, small, Options{Flags: map[string]string{path: value}})
		var changed []string
		for _, part := range []struct {
			name string
			a, b []byte
		}{
			{"fixed", Canonical(base.Fixed()), Canonical(c.Fixed())},
			{"ingest", Canonical(base.Ingest(nil)), Canonical(c.Ingest(nil))},
			{"close", Canonical(base.Close()), Canonical(c.Close())},
		} {
			if string(part.a) != string(part.b) {
				changed = append(changed, part.name)
			}
		}
		if got := strings.Join(changed, " "); got != parts {
			t.Errorf("%s=%s changes %q, want %q", path, value, got, parts)
		}
	}
	if a, b := base.Ingest(nil), base.Ingest([]byte("x")); a.MappingSHA256 != "" || len(b.MappingSHA256) != 64 {
		t.Errorf("digest of the mapping: got %q and %q", a.MappingSHA256, b.MappingSHA256)
	}
}

// What is stored reads back, and has no null that a reader would have to tell from an empty list.
func TestCanonicalReadsBack(t *testing.T) {
	c, _ := load(t, full, Options{})
	var again CloseConfig
	text := Canonical(c.Close())
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(again, c.Close()); d != "" {
		t.Error(d)
	}
	for _, b := range [][]byte{text, Canonical(c.Ingest(nil)), Canonical(c.Fixed())} {
		if strings.Contains(string(b), "null") {
			t.Errorf("null in %s", b)
		}
	}
	if len(Digest(text)) != 64 {
		t.Errorf("digest %s", Digest(text))
	}
}
