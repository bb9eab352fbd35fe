package test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ndr/sinks"
	"ndr/state"
	"ndr/stream"
	"ndr/stream/kafka"
)

var rewrite = flag.Bool("rewrite", false, "write the generated pages of docs anew")

const metricsIntro = `# Metrics

This page is made from the code that registers the metrics (` + "`go test ./test -run MetricsPage -rewrite`" + `). They are
served at ` + "`/metrics`" + ` of ` + "`admin.listen`" + `, beside ` + "`/livez`" + ` and ` + "`/readyz`" + `. No label names a host; the values of every label are
bounded. Start with the counters of errors: at rest they stand still.
`

// metric is one line of the page.
type metric struct{ name, kind, labels, help string }

// catalogue takes the place of a registry and notes what is registered.
type catalogue struct {
	t       *testing.T
	metrics []metric
}

var describe = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{\}, variableLabels: \{([^}]*)\}\}$`)

// Register implements prometheus.Registerer.
func (c *catalogue) Register(m prometheus.Collector) error {
	kind := strings.ToLower(fmt.Sprintf("%T", m))
	kind = strings.TrimSuffix(kind[strings.LastIndexByte(kind, '.')+1:], "vec")
	descriptions := make(chan *prometheus.Desc, 16)
	m.Describe(descriptions)
	close(descriptions)
	for d := range descriptions {
		f := describe.FindStringSubmatch(d.String())
		if f == nil {
			c.t.Fatalf("cannot read the description %s", d)
		}
		c.metrics = append(c.metrics, metric{f[1], kind, strings.ReplaceAll(f[3], ",", ", "), f[2]})
	}
	return nil
}

// MustRegister implements prometheus.Registerer.
func (c *catalogue) MustRegister(ms ...prometheus.Collector) {
	for _, m := range ms {
		_ = c.Register(m) // has no error
	}
}

// Unregister implements prometheus.Registerer.
func (c *catalogue) Unregister(prometheus.Collector) bool { return false }

func TestMetricsPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(metricsIntro)
	for _, part := range []struct {
		title    string
		register func(prometheus.Registerer) error
	}{
		{"Ingest and features", func(r prometheus.Registerer) error { stream.NewMetrics(r); return nil }},
		{"Kafka", func(r prometheus.Registerer) error { kafka.NewMetrics(r); return nil }},
		{"State of the shards", func(r prometheus.Registerer) error { state.NewMetrics(r); return nil }},
		{"Object store", func(r prometheus.Registerer) error { _, err := sinks.NewMetrics(r); return err }},
		{"Publication", func(r prometheus.Registerer) error {
			_, err := sinks.NewPublisher(sinks.PublisherConfig{}, nil, nil, r)
			return err
		}},
	} {
		c := &catalogue{t: t}
		if err := part.register(c); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&page, "\n## %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", part.title)
		slices.SortFunc(c.metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) })
		for _, m := range c.metrics {
			checkMetric(t, m)
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", m.name, m.kind, m.labels, m.help)
		}
	}
	const name = "docs/metrics.md"
	if *rewrite {
		if err := os.WriteFile(filepath.Join(repository, name), []byte(page.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(read(t, name), page.String()); d != "" {
		t.Errorf("%s is not what the code registers; run it with -rewrite (-page +code):\n%s", name, d)
	}
}

// checkMetric holds names and labels to the habits of Prometheus and to the promise that no label names a host.
func checkMetric(t *testing.T, m metric) {
	t.Helper()
	if !strings.HasPrefix(m.name, "ndr_") || m.help == "" {
		t.Errorf("%s: a metric has the prefix ndr_ and a help text", m.name)
	}
	if counter := m.kind == "counter"; counter != strings.HasSuffix(m.name, "_total") {
		t.Errorf("%s is a %s: counters and nothing else end in _total", m.name, m.kind)
	}
	for label := range strings.SplitSeq(m.labels, ", ") {
		if slices.Contains([]string{"host", "host_ip", "ip", "address", "peer", "user", "segment"}, label) {
			t.Errorf("%s has the label %s, whose values have no bound", m.name, label)
		}
	}
}
