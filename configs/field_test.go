package configs

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ndr/feature"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const referenceFile = "../docs/configuration.md"

// The flag -rewrite is that of the scripts in testdata.
func TestReferenceIsUpToDate(t *testing.T) {
	if flag.Lookup("rewrite").Value.String() == "true" {
		if err := os.WriteFile(referenceFile, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	onDisk, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(onDisk), Reference()); d != "" {
		t.Errorf("%s is not what the code says; run with -rewrite: %s", referenceFile, d)
	}
}

func TestFieldsAreDescribed(t *testing.T) {
	key := regexp.MustCompile(`^[a-z0-9_]+$`)
	n := 0
	walk(new(Config).fields(), "", func(path string, f *field) {
		n++
		if !key.MatchString(f.key) {
			t.Errorf("%s: a key of other letters cannot be set by the environment", path)
		}
		if !strings.HasSuffix(f.doc, ".") || f.doc == "." {
			t.Errorf("%s: %q is no sentence", path, f.doc)
		}
		if (f.value == nil) == (f.fields == nil) || f.required && f.def != "" {
			t.Errorf("%s: want a value or a section, and a required value without a default", path)
		}
	})
	if n < 100 {
		t.Errorf("got %d fields", n)
	}
}

// The defaults of this package are those of the packages that use them.
func TestDefaults(t *testing.T) {
	c, _ := load(t, small, Options{})
	d := feature.DefaultCalendar()
	if got := [2]int{c.Calendar.WorkingHours.From, c.Calendar.WorkingHours.To}; got != d.Working {
		t.Errorf("working hours: got %v, want %v", got, d.Working)
	}
	if got := [2]int{c.Calendar.OffHours.From, c.Calendar.OffHours.To}; got != d.Off {
		t.Errorf("off hours: got %v, want %v", got, d.Off)
	}
	var weekend [7]bool
	for _, day := range c.Calendar.Weekend {
		weekend[day] = true
	}
	if weekend != d.Weekend || c.Calendar.Timezone.String() != d.Location.String() {
		t.Errorf("got weekend %v in %v, want %v in %v", weekend, c.Calendar.Timezone, d.Weekend, d.Location)
	}
	if c.Limits.KeptFlows != feature.DefaultKept || c.Segments.DefaultIPv4 != feature.DefaultSegmentBits4 ||
		c.Segments.DefaultIPv6 != feature.DefaultSegmentBits6 {
		t.Errorf("got %+v, %+v", c.Limits, c.Segments)
	}
	if len(c.Baselines.RequiredMetrics) != 41 || len(c.PortSets.DB) != 12 || len(c.InternalNetworks) != 5 {
		t.Errorf("got %d required metrics, %d ports, %d networks", len(c.Baselines.RequiredMetrics), len(c.PortSets.DB),
			len(c.InternalNetworks))
	}
}

func TestLatenessDependsOnTheSource(t *testing.T) {
	const kafka = "version: 1\nroot: file:///out\nsource: {type: kafka, kafka: {brokers: [b:1], topic: t}, format: "
	for text, want := range map[string]time.Duration{
		small: time.Hour, kafka + "panos-json}": 2 * time.Minute, kafka + "vpc-text}": 10 * time.Minute,
		kafka + "vpc-text}\nslices: {allowed_lateness: 1m}": time.Minute,
	} {
		if c, _ := load(t, text, Options{}); c.Slices.AllowedLateness != want {
			t.Errorf("%s: got %v, want %v", text, c.Slices.AllowedLateness, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "0": 0, "0d": 0, "1.5h": 90 * time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("duration %s: got %v, %v, want %v", text, got, err, want)
		}
		if again, err := ParseDuration(FormatDuration(want)); err != nil || again != want {
			t.Errorf("duration %s written as %s: got %v, %v", text, FormatDuration(want), again, err)
		}
	}
	for _, text := range []string{"", "d", "5", "-1d", "1d-1h", "1.5d", "1h1d", "99999d2562047h", "7 d"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("duration %q: got %v, want an error", text, got)
		}
	}
	for text, want := range map[string]int64{"1GiB": 1 << 30, "0": 0, "5": 5, "7B": 7, "3KiB": 3072,
		"8388607TiB": 8388607 << 40} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("size %s: got %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseSize(FormatSize(want)); err != nil || again != want {
			t.Errorf("size %s written as %s: got %d, %v", text, FormatSize(want), again, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1GB", "1 GiB", "1.5GiB", "8388608TiB", "9223372036854775808"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("size %q: got %d, want an error", text, got)
		}
	}
}

// The JSON Schema accepts what the loader accepts, the examples above all, and refuses mistakes.
func TestSchema(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"small": small, "full": full}
	for _, file := range exampleFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(data)
	}
	for name, text := range texts {
		var v any
		if err := yaml.Load([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if fault := mismatch(s, v); fault != "" {
			t.Errorf("%s: %s", name, fault)
		}
	}
	for _, more := range []string{"shard: 8", "shards: x", "shards: 0", "slices: {offset: 5 minutes}",
		"features: {layout: tall}",
		"admin: {pprof: 1}", "segments: {table: [{cidr: 10.0.0.0/8}]}", "s3: {region: {env: X}}", "limits: {memory: 1GB}"} {
		var v any
		if err := yaml.Load([]byte(small+more), &v); err != nil {
			t.Fatal(err)
		}
		if mismatch(s, v) == "" {
			t.Errorf("%s: accepted", more)
		}
	}
}
