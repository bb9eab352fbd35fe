package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// ran is what a command line left behind.
type ran struct {
	code     int
	out, err string
}

// runs executes a command line in this process.
func runs(t testing.TB, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	code := execute(t.Context(), args, stdio{strings.NewReader(""), &out, &err})
	return ran{code, out.String(), err.String()}
}

// runsWell executes a command line that must succeed and returns its output.
func runsWell(t testing.TB, args ...string) string {
	t.Helper()
	r := runs(t, args...)
	if r.code != exitDone {
		t.Fatalf("ndr %s: exit %d, stderr:\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// golden compares text with a file of testdata, or writes it with -rewrite.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, string(want)); d != "" {
		t.Errorf("%s (-got +want; -rewrite writes it anew):\n%s", file, d)
	}
}

var (
	hexDigest = regexp.MustCompile(`[0-9a-f]{64}`)
	bigNumber = regexp.MustCompile(`(\s)\d{3,}(\s)`)
	columnGap = regexp.MustCompile(` {2,}`)
	buildTime = regexp.MustCompile(`created .*`)
)

// stable leaves out what other builds may print otherwise: digests, sizes, times of creation and the widths of
// columns.
func stable(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, writer(), "WRITER"), runtime.GOARCH, "ARCH")
	text = columnGap.ReplaceAllString(hexDigest.ReplaceAllString(text, "DIGEST"), "  ")
	text = bigNumber.ReplaceAllString(text, "${1}SIZE$2")
	return buildTime.ReplaceAllString(text, "created TIME")
}

// jsonValues parses a sequence of JSON values, each of which must be of schema 1.
func jsonValues(t testing.TB, text string) (list []map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	for d.More() {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if v["schema"] != 1.0 {
			t.Errorf("schema is %v in %v", v["schema"], v)
		}
		list = append(list, v)
	}
	return list
}

// everyCommand calls do with all commands but those that cobra adds.
func everyCommand(c *cobra.Command, do func(*cobra.Command)) {
	if c.Name() == "help" || c.Name() == "completion" || c.Hidden {
		return
	}
	do(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, do)
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	count := 0
	everyCommand(newCommand(stdio{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}}), func(c *cobra.Command) {
		count++
		path := strings.Fields(c.CommandPath())[1:]
		if c.Short == "" || c.Example == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short %q, example %q: want both, the first without a full stop", c.CommandPath(), c.Short, c.Example)
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: example %q is not indented by two", c.CommandPath(), line)
			}
		}
		for _, args := range [][]string{append([]string{"help"}, path...), append(path, "--help")} {
			text := runsWell(t, args...)
			if !strings.Contains(text, "Examples:\n"+c.Example) || !strings.Contains(text, "Usage:") {
				t.Errorf("%v prints no usage or example:\n%s", args, text)
			}
		}
	})
	if count < 15 {
		t.Errorf("found %d commands only", count)
	}
}

func TestUsageErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"frobnicate", "--frob", "inspect frob", "config frob", "catalog frob",
		"version x", "version --output xml", "version --frob",
		"validate", "validate --output x " + file,
		"config print x", "config print --output yaml", "config schema x",
		"catalog build", "catalog build --out a --root file:///b", "catalog build x --out a", "catalog check", "catalog check a b",
		"catalog build --out a --output x",
		"inspect cut", "inspect cut a b", "inspect close", "inspect manifest", "inspect parquet", "inspect cut --output x " + file,
		"inspect slice", "inspect slice --root file:///x a b", "inspect slice --root file:///x nonsense", "inspect slice --root file:///x --run-id a/b",
		"inspect cut --root file:///x s3://y/z",
		"inspect state", "inspect state a --shard 1", "inspect state a b", "inspect state --shard 1", "inspect state --root file:///x --shard 10000",
		"generate x", "generate --format frob", "generate --attack frob", "generate --hosts 0", "generate --hours 0", "generate --hours 1 --length 1h",
		"generate --to kafka", "generate --topic x", "generate --rate -1", "generate --start yesterday", "generate --live --start 2026-01-05",
		"generate --to kafka --brokers a:1 --topic x --partitions -1",
		"healthcheck x", "healthcheck --listen nonsense",
	} {
		r := runs(t, strings.Fields(line)...)
		if r.code != exitUsage || r.out != "" || !strings.HasPrefix(r.err, "ndr: ") {
			t.Errorf("ndr %s: exit %d, stdout %q, stderr %q; want 64, nothing and a message", line, r.code, r.out, r.err)
		}
	}
}

func TestUnknownCommandSuggests(t *testing.T) {
	if r := runs(t, "inspekt"); !strings.Contains(r.err, "did you mean inspect?") {
		t.Errorf("stderr is %q", r.err)
	}
}

func TestGroupsPrintHelp(t *testing.T) {
	for _, group := range []string{"inspect", "config", "catalog"} {
		if text := runsWell(t, group); !strings.Contains(text, "Available Commands:") {
			t.Errorf("ndr %s prints:\n%s", group, text)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if text := runsWell(t, "completion", shell); !strings.Contains(text, "ndr") {
			t.Errorf("completion %s prints %d bytes", shell, len(text))
		}
	}
}

func TestVersion(t *testing.T) {
	text := runsWell(t, "version")
	for _, want := range []string{version, "logic version", "go1.", "format of cut"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for _, form := range []string{"json", "jsonl"} {
		list := jsonValues(t, runsWell(t, "version", "--output", form))
		if len(list) != 1 || list[0]["version"] != version || list[0]["formats"] == nil {
			t.Errorf("%s: got %v", form, list)
		}
	}
}

// failingWriter is a full disk or a closed pipe.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "-o", "json"}, {"version", "-o", "jsonl"}, {"config", "schema"},
		{"validate", "testdata/validate/good.yaml"}, {"generate", "--length", "1h", "--hosts", "5"}} {
		var err bytes.Buffer
		if code := execute(context.Background(), args, stdio{strings.NewReader(""), failingWriter{}, &err}); code != exitFailed {
			t.Errorf("%v: exit %d, stderr %q; want 1", args, code, err.String())
		}
	}
}

func TestSizeAndMoment(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1<<20 - 1: "1023.9 KiB", 5 << 30: "5.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "1970-01-01T00:00:00Z", -1: "1969-12-31T23:59:59.999999999Z", 1500000000: "1970-01-01T00:00:01.5Z"} {
		if got := moment(n); got != want {
			t.Errorf("moment %d: got %s, want %s", n, got, want)
		}
	}
}
