package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ndr/flow"
	"ndr/flow/synth"
)

// decoded counts what a decoder makes of lines.
type decoded struct{ accepted, filtered, rejected int }

func decode(t *testing.T, d flow.Decoder, lines ...string) (n decoded) {
	t.Helper()
	for _, line := range lines {
		err := d.Decode([]byte(line), func(it *flow.Item) {
			switch it.Verdict {
			case flow.Accepted:
				n.accepted++
			case flow.Filtered:
				n.filtered++
			default:
				n.rejected++
			}
		})
		if err != nil {
			t.Fatalf("decode %q: %v", line, err)
		}
	}
	return n
}

func decoderOf(t *testing.T, format string) flow.Decoder {
	t.Helper()
	if format == synth.FormatCanonical {
		format = flow.FormatPANOSJSON
	}
	d, err := flow.New(flow.Config{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGenerateFormats(t *testing.T) {
	for _, format := range synth.Formats() {
		r := runs(t, "generate", "--length", "1h", "--hosts", "5", "--start", "2026-01-05T10:00Z", "--attack", "beacon", "--format", format)
		if r.code != exitDone {
			t.Fatalf("%s: exit %d: %s", format, r.code, r.err)
		}
		n := decode(t, decoderOf(t, format), strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")...)
		if n.accepted < 100 || n.rejected > 0 || n.filtered > n.accepted/10 {
			t.Errorf("%s: %+v", format, n)
		}
		if !strings.Contains(r.err, "beacon ") || !strings.Contains(r.err, "known_scanner ") {
			t.Errorf("%s: no labels on stderr:\n%s", format, r.err)
		}
	}
}

// The same flags give the same flows, whatever the output is.
func TestGenerateFiles(t *testing.T) {
	dir := t.TempDir()
	args := []string{"generate", "--hours", "0.5", "--hosts", "20", "--seed", "7", "--attack", "all", "--format", "zeek-json"}
	text := runsWell(t, args...)
	for _, name := range []string{"flows.log", "flows.log.gz", "flows.log.zst"} {
		file := filepath.Join(dir, name)
		if out := runsWell(t, append(args, "--to", file)...); out != "" {
			t.Errorf("%s: stdout is %q", name, out)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := flow.NewLineReader(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		for want := range strings.Lines(text) {
			got, err := lines.Next()
			if err != nil || string(got)+"\n" != want {
				t.Fatalf("%s: line is %q, %v; want %q", name, got, err, want)
			}
		}
		if _, err := lines.Next(); err == nil {
			t.Errorf("%s: more lines than on stdout", name)
		}
		lines.Close()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if other := runsWell(t, append(args, "--seed", "8")...); other == text {
		t.Error("another seed gives the same flows")
	}
}

func TestGenerateLabels(t *testing.T) {
	file := filepath.Join(t.TempDir(), "labels.json")
	runsWell(t, "generate", "--length", "2h", "--hosts", "20", "--attack", "beacon,scan-horizontal", "--labels", file, "--to", os.DevNull)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Schema int
		Labels []struct {
			Kind  string
			Flows int
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int)
	for _, l := range d.Labels {
		found[l.Kind] = l.Flows
	}
	if d.Schema != 1 || found[synth.KindBeacon] < 50 || found[synth.KindScanHorizontal] < 1000 || len(found) != 3 {
		t.Errorf("schema %d, labels %v", d.Schema, found)
	}
	if r := runs(t, "generate", "--length", "1h", "--labels", filepath.Join(file, "x"), "--to", os.DevNull); r.code != exitFailed {
		t.Errorf("labels that cannot be written: exit %d, want 1", r.code)
	}
	if r := runs(t, "generate", "--length", "1h", "--to", filepath.Join(file, "x")); r.code != exitFailed {
		t.Errorf("file that cannot be made: exit %d, want 1", r.code)
	}
}

// topicRecords reads a topic of the fake cluster to its end.
func topicRecords(t *testing.T, brokers []string, topic string, want int) (list []*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(list) < want {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d records: %v", len(list), want, err)
		}
		list = append(list, f.Records()...)
	}
	return list
}

func TestGenerateToKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	brokers := cluster.ListenAddrs()
	args := []string{"generate", "--to", "kafka", "--brokers", strings.Join(brokers, ","), "--topic", "flows", "--length", "1h", "--hosts", "30",
		"--format", "vpc-text"}
	if r := runs(t, args...); r.code != exitFailed || !strings.Contains(r.err, "--partitions") {
		t.Errorf("no topic: exit %d, stderr %s; want 1 and a hint", r.code, r.err)
	}
	before := time.Now()
	r := runs(t, append(args, "--partitions", "3")...)
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.err)
	}
	m := regexp.MustCompile(`, (\d+) lines`).FindStringSubmatch(r.err)
	if m == nil {
		t.Fatalf("no number of lines in %s", r.err)
	}
	lines, err := strconv.Atoi(m[1])
	if err != nil || lines < 500 {
		t.Fatalf("%d lines, %v", lines, err)
	}
	list := topicRecords(t, brokers, "flows", lines+3)
	partition := make(map[string]int32)
	decoders := make(map[int32]flow.Decoder)
	for _, record := range list {
		d := decoders[record.Partition]
		if d == nil {
			if d = decoderOf(t, flow.FormatVPCText); record.Key != nil {
				t.Fatalf("partition %d begins without a header: %q", record.Partition, record.Value)
			}
			decoders[record.Partition] = d
		}
		if n := decode(t, d, string(record.Value)); n.rejected > 0 || record.Key != nil && n.accepted == 0 {
			t.Fatalf("%q: %+v", record.Value, n)
		}
		if record.Key == nil {
			continue
		}
		if p, ok := partition[string(record.Key)]; ok && p != record.Partition {
			t.Errorf("one conversation in partitions %d and %d", p, record.Partition)
		}
		partition[string(record.Key)] = record.Partition
		if at := record.Timestamp; at.After(time.Now()) || at.Before(before.Add(-time.Hour-time.Second)) {
			t.Errorf("record is of %s, want within the last hour", at)
		}
	}
	if len(list) != lines+3 || len(decoders) != 3 {
		t.Errorf("%d records in %d partitions, want %d lines and 3 headers in 3", len(list), len(decoders), lines)
	}
	if r := runs(t, append(args, "--partitions", "2")...); r.code != exitFailed {
		t.Errorf("another number of partitions: exit %d, want 1", r.code)
	}
}

// Both directions of a flow have the same key.
func TestConversationKey(t *testing.T) {
	a, _ := flow.ParseAddr([]byte("10.0.0.1"))
	b, _ := flow.ParseAddr([]byte("2001:db8::1"))
	there, back := flow.Record{SourceIP: a, DestinationIP: b}, flow.Record{SourceIP: b, DestinationIP: a}
	if string(conversation(&there)) != string(conversation(&back)) {
		t.Error("the directions have different keys")
	}
}

// With --live, flows wait for their time, and an interruption leaves what was made.
func TestGenerateLive(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var out, errs strings.Builder
	code := execute(ctx, []string{"generate", "--live", "--length", "1h", "--rate", "50", "--hosts", "50"}, stdio{strings.NewReader(""), &out, &errs})
	if code != exitTemporary && code != exitInterrupted {
		t.Errorf("exit %d, stderr %s", code, errs.String())
	}
	if n := strings.Count(out.String(), "\n"); n == 0 || n > 1000 || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("%d flows in 1.5 s, want some and whole lines", n)
	}
}

func TestGenerateWithoutBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var out, errs strings.Builder
	args := []string{"generate", "--to", "kafka", "--brokers", address, "--topic", "flows"}
	if code := execute(ctx, args, stdio{strings.NewReader(""), &out, &errs}); code != exitTemporary && code != exitFailed {
		t.Errorf("exit %d, stderr %s; want 75 or 1", code, errs.String())
	}
}
