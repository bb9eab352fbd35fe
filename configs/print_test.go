package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full sets something of every kind of value.
const full = `version: 1
root: s3://bucket/some/prefix
source:
  name: pan-os
  type: kafka
  kafka:
    brokers: [a:9092, "[::1]:9092"]
    topic: Flows.1
    tls: {enabled: true, ca_file: "/etc/my ca: one.pem"}
  format: panos-json
  field_mapping: {source_ip: "src # ip", "event_start": "true", c: "123", d: "", e: "$${x}", f: "a\nb", g: "\U0001F600 {"}
  timezone: Europe/Berlin
slices: {offset: 8m, allowed_lateness: 1h30m, max_past: 7d}
segments: {table: [{cidr: 10.1.0.0/16, id: "hq, main"}], high_risk: {deny: ["hq, main", fc00::/7]}}
calendar: {timezone: America/New_York, working_hours: [0, 0], off_hours: [0, 24], weekend: []}
data_locations: {fg_a: {prefix: lake/fg_a}, lookback30d: {partitions: "d={dt}"}}
features: {fg_c: {windows: all, eps: 1e-9, scale_floor: {deny_ratio: 0.5}}}
baselines: {support_min: {sessions_cnt: 5}, horizons: {1d: {days: 1, gap: 0}}}
limits: {memory: 3221225473, decompression: {max_record: 1MiB}}
`

func load(t testing.TB, text string, o Options) (*Config, *Origins) {
	t.Helper()
	c, o2, err := loadText(text, o)
	if err != nil {
		t.Fatal(err)
	}
	return c, o2
}

func loadText(text string, o Options) (*Config, *Origins, error) {
	o.ReadFile = func(string) ([]byte, error) { return []byte(text), nil }
	return Load("ndr.yaml", o)
}

var comparers = cmp.Options{
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b Secret) bool { return a == b }),
}

func TestPrintLoadsAgain(t *testing.T) {
	for _, text := range []string{small, full} {
		c, o := load(t, text, Options{})
		again, _ := load(t, Print(c, o), Options{})
		if d := cmp.Diff(again, c, comparers); d != "" {
			t.Errorf("loaded from print: %s", d)
		}
		if c.Baselines.SupportMin["default"] != 50 {
			t.Errorf("support_min: got %v, want the default beside", c.Baselines.SupportMin)
		}
	}
}

// Every value that is set has an origin, and every printed line of a file's value names its line.
func TestOriginsAreComplete(t *testing.T) {
	c, o := load(t, full, Options{Environ: []string{"NDR__SHARDS=3"}, Flags: map[string]string{"admin.listen": ":0"}})
	got := map[string]string{}
	walk(c.fields(), "", func(path string, f *field) {
		if f.value == nil {
			return
		}
		at, ok := o.Of(path)
		if !ok && f.def != "" {
			t.Errorf("%s: no origin", path)
		}
		got[path] = at.String()
	})
	for path, want := range map[string]string{
		"root": "ndr.yaml:2", "source.kafka.topic": "ndr.yaml:8", "source.kafka.tls.ca_file": "ndr.yaml:9",
		"slices.max_past": "ndr.yaml:13", "slices.idle_timeout": "default", "shards": "NDR__SHARDS",
		"admin.listen": "command line", "segments.table": "ndr.yaml:14",
	} {
		if got[path] != want {
			t.Errorf("origin of %s: got %s, want %s", path, got[path], want)
		}
	}
}

func TestPrintJSON(t *testing.T) {
	c, o := load(t, full, Options{})
	var got struct {
		Schema int
		Config struct {
			Shards int
			Source struct {
				Format  string
				Mapping *string
			}
		}
		Origins map[string]string
	}
	if err := json.Unmarshal(PrintJSON(c, o), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != 1 || got.Config.Shards != 8 || got.Config.Source.Format != "panos-json" ||
		got.Config.Source.Mapping != nil || got.Origins["root"] != "ndr.yaml:2" {
		t.Errorf("got %+v", got)
	}
}

// A secret is shown by nothing that prints a configuration, whole or in part.
func TestSecretsAreRedacted(t *testing.T) {
	const secret = "hunter2"
	text := strings.Replace(small, "{type: file,", "{type: file, kafka: {sasl: {mechanism: PLAIN, user: u, "+
		"password: {env: PW}}},", 1)
	c, o := load(t, text, Options{Environ: []string{"PW=" + secret}})
	if c.Source.Kafka.SASL.Password.Value() != secret {
		t.Fatalf("got %q", c.Source.Kafka.SASL.Password.Value())
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("configuration", "config", c, "sasl", c.Source.Kafka.SASL, "password", c.Source.Kafka.SASL.Password)
	}
	shown := []string{Print(c, o), string(PrintJSON(c, o)), logged.String()}
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(marshalled))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, c.Source.Kafka.SASL),
			fmt.Sprintf(verb, c.Source.Kafka.SASL.Password), fmt.Sprintf(verb, &c.Source.Kafka.SASL.Password))
	}
	for _, s := range shown {
		if strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
			t.Errorf("the secret is shown: %s", s)
		}
	}
	for _, s := range shown[:4] {
		if !strings.Contains(s, "redacted") {
			t.Errorf("nothing is redacted in %s", s)
		}
	}
}

func TestSecretSources(t *testing.T) {
	for reference, want := range map[string]string{
		"{file: /pw}": "from file", "{env: PW}": "from env", "{aws_secret: pw}": "aws pw", "{file: \"${DIR}/pw\"}": "from file",
	} {
		text := strings.Replace(small, "{type: file,", "{type: file, kafka: {sasl: {mechanism: PLAIN, user: u, "+
			"password: "+reference+"}},", 1)
		c, _, err := Load("ndr.yaml", Options{
			Environ: []string{"PW=from env", "DIR="},
			ReadFile: func(path string) ([]byte, error) {
				if path == "/pw" {
					return []byte("from file\r\n"), nil
				}
				return []byte(text), nil
			},
			SecretFromAWS: func(name string) (string, error) { return "aws " + name, nil },
		})
		if err != nil {
			t.Errorf("%s: %v", reference, err)
			continue
		}
		if got := c.Source.Kafka.SASL.Password.Value(); got != want {
			t.Errorf("%s: got %q, want %q", reference, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{small, full, "", "a: [", "version: ${A:-1}\n", "source: {kafka: {sasl: {password: x}}}",
		"port_sets: {location: x}", "a: &b\n<<: *b", "slices:\n\toffset: 1"} {
		f.Add([]byte(seed), "8m")
	}
	f.Fuzz(func(t *testing.T, data []byte, override string) {
		o := Options{Environ: []string{"A=1", "NDR__SLICES__OFFSET=" + override},
			Flags: map[string]string{"segments.table": override, "source.kafka.sasl.password": override}}
		for _, flags := range []map[string]string{nil, o.Flags} {
			c, origins, err := loadText(string(data), Options{Environ: o.Environ, Flags: flags})
			if err != nil {
				_ = err.Error()
				continue
			}
			if c.Source.Kafka.SASL.Password.IsSet() {
				continue
			}
			again, _, err := loadText(Print(c, origins), Options{})
			if err != nil {
				t.Fatalf("load what print wrote:\n%v", err)
			}
			if d := cmp.Diff(again, c, comparers); d != "" {
				t.Errorf("loaded from print: %s", d)
			}
		}
		if _, err := Check(Options{ReadFile: func(string) ([]byte, error) { return data, nil }}, "ndr.yaml"); err != nil {
			_ = err.Error()
		}
	})
}

// Whatever stands around it, a password that was written into the file is not in any message.
func FuzzSecretIsNotShown(f *testing.F) {
	for _, seed := range [][2]string{{"source:\n  kafka:\n    sasl:", "      user: u\nshards: x"}, {"root: \"", "\""},
		{"a: [", "]"}, {"a: |", "b: &x"}, {"? |", ": x"}, {"{", "}"}, {"a: {", ", b: 1, b: 2}"}, {"a: '", "x: *y"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + "\n      password: hunter2\n" + after
		if strings.Contains(before+after, "hunter2") {
			return
		}
		for _, more := range []string{"", small} {
			if _, _, err := loadText(more+text, Options{}); err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the secret is shown:\n%v", err)
			}
		}
	})
}
