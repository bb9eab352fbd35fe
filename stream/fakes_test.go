package stream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"ndr/feature"
	"ndr/flow"
)

// t0 is the time to which the tests' times are relative: 2026-01-01T00:00:00Z, the start of a slice and a day.
const t0 = int64(1_767_225_600) * int64(time.Second)

// at is a time as scripts write it: a duration from t0.
func at(d time.Duration) int64 { return t0 + int64(d) }

func showTime(nanos int64) string {
	switch nanos {
	case NoWatermark:
		return "none"
	case EndOfInput:
		return "end"
	}
	return time.Duration(nanos - t0).String()
}

// s0 is the slice of t0; scripts number slices from it.
var s0 = feature.Clock{}.Of(t0)

func showSlice(s feature.Slice) string { return fmt.Sprintf("s%d", s-s0) }

// store is an object store in memory. fault may answer an operation before it is carried out; lose answers a
// creation after it was carried out, so that its outcome is unknown to the caller.
type store struct {
	mu    sync.Mutex
	keys  []string
	obj   map[string][]byte
	puts  []put
	gets  int
	lists int
	fault func(op, key string) error
	lose  func(key string) error
}

type put struct {
	key  string
	body []byte
	err  error
}

func newStore() *store { return &store{obj: make(map[string][]byte)} }

func (s *store) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if err := s.check(ctx, "get", key); err != nil {
		return nil, err
	}
	b, ok := s.obj[key]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	b = b[min(off, int64(len(b))):]
	if n >= 0 {
		b = b[:min(n, int64(len(b)))]
	}
	return bytes.Clone(b), nil
}

func (s *store) check(ctx context.Context, op, key string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.fault != nil {
		return s.fault(op, key)
	}
	return nil
}

func (s *store) Create(ctx context.Context, key string, body io.ReadSeeker) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	defer func() { s.puts = append(s.puts, put{key, b, err}) }()
	if err := s.check(ctx, "create", key); err != nil {
		return err
	}
	if _, ok := s.obj[key]; ok {
		return fmt.Errorf("create %s: %w", key, fs.ErrExist)
	}
	s.obj[key] = b
	i, _ := slices.BinarySearch(s.keys, key)
	s.keys = slices.Insert(s.keys, i, key)
	if s.lose != nil {
		return s.lose(key)
	}
	return nil
}

func (s *store) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if err := s.check(ctx, "list", prefix); err != nil {
		return nil, err
	}
	var out []string
	for _, k := range s.keys {
		if strings.HasPrefix(k, prefix) && k > after && (limit <= 0 || len(out) < limit) {
			out = append(out, k)
		}
	}
	return out, nil
}

// set sets the faults while others work.
func (s *store) set(fault func(op, key string) error, lose func(key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.lose = fault, lose
}

// created lists the attempts to create keys that contain a text.
func (s *store) created(part string) (out []put) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.puts {
		if strings.Contains(p.key, part) {
			out = append(out, p)
		}
	}
	return out
}

// listed is how many listings were asked for.
func (s *store) listed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

func newControl(t testing.TB, o Objects) *Control {
	t.Helper()
	l, err := feature.NewLayout("ndr", "v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Control{Objects: o, Layout: l}
}

func newMetrics() *Metrics { return NewMetrics(prometheus.NewRegistry()) }

// counted is the value of a counter.
func counted(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		panic(err)
	}
	return m.GetCounter().GetValue()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func ingestConfig(t testing.TB) IngestConfig {
	t.Helper()
	internal, err := feature.NewNetworks(feature.DefaultInternalNetworks())
	if err != nil {
		t.Fatal(err)
	}
	ports, err := feature.NewPortSets(feature.DefaultPortLists())
	if err != nil {
		t.Fatal(err)
	}
	return IngestConfig{
		Source: "flows", Shards: 2, AllowedLateness: 2 * time.Minute, MaxFutureSkew: 5 * time.Minute, MaxPast: 7 * 24 * time.Hour,
		PairTimeout: 2 * time.Minute, IdleTimeout: time.Minute, MaxCutInterval: 5 * time.Minute, Memory: 1 << 30, CarryBudget: 1 << 20,
		Kept: 16, Ceiling: at(365 * 24 * time.Hour), Internal: internal, Ports: ports, ConfigDigest: "config", Writer: "test",
		NewDecoder: func() (flow.Decoder, error) { return &textDecoder{}, nil }, Now: time.Now,
	}
}

// textDecoder reads items as the tests write them, one a line:
//
//	flow|half SRC[:PORT] DST[:PORT] START END [tcp|udp|icmp] [src=N] [dst=N] [flags=N] [allow|deny|reset|alert]
//	     [threat] [reason=TEXT] [observer=NAME] [session=NAME] [res=N] [one-time]
//	reject REASON | filter REASON | undecodable REASON | state TEXT
//
// Times are durations from t0, or "=N" nanoseconds since the epoch.
type textDecoder struct{ state []byte }

func (d *textDecoder) State() []byte { return d.state }

func (d *textDecoder) Restore(state []byte) error {
	if string(state) == "broken" {
		return fmt.Errorf("restore %s", state)
	}
	d.state = bytes.Clone(state)
	return nil
}

func (d *textDecoder) Decode(raw []byte, emit func(*flow.Item)) error {
	for text := range strings.Lines(string(raw)) {
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		it := flow.Item{Raw: []byte(strings.TrimSpace(text))}
		switch words[0] {
		case "undecodable":
			return &flow.UndecodableError{Reason: words[1], Detail: "as the test says"}
		case "state":
			d.state = []byte(words[1])
			it.Verdict, it.Reason = flow.Filtered, flow.FilterUnselected
		case "reject":
			it.Verdict, it.Reason, it.Detail = flow.Rejected, words[1], "as the test says"
		case "filter":
			it.Verdict, it.Reason = flow.Filtered, words[1]
		case "flow", "half":
			if err := parseFlow(words, &it.Record); err != nil {
				return err
			}
		default:
			return fmt.Errorf("no such item: %q", text)
		}
		emit(&it)
	}
	return nil
}

func parseFlow(words []string, r *flow.Record) (err error) {
	if words[0] == "half" {
		r.Kind = flow.Half
	}
	if r.SourceIP, r.SourcePort, err = parseEnd(words[1]); err != nil {
		return err
	}
	if r.DestinationIP, r.DestPort, err = parseEnd(words[2]); err != nil {
		return err
	}
	r.TimesKnown = true
	if r.Start, err = parseAt(words[3]); err != nil {
		return err
	}
	if r.End, err = parseAt(words[4]); err != nil {
		return err
	}
	for _, w := range words[5:] {
		key, value, _ := strings.Cut(w, "=")
		n, _ := strconv.ParseUint(value, 10, 64)
		switch key {
		case "tcp":
			r.Transport, r.IPProto = flow.TCP, 6
		case "udp":
			r.Transport, r.IPProto = flow.UDP, 17
		case "icmp":
			r.Transport, r.IPProto = flow.ICMP, 1
		case "src":
			r.SourceBytes = flow.Count{N: n, Known: true}
		case "dst":
			r.DestBytes = flow.Count{N: n, Known: true}
		case "flags":
			r.TCPFlagsSource = uint16(n)
		case "allow":
			r.Action = flow.Allow
		case "deny":
			r.Action = flow.Deny
		case "reset":
			r.Action = flow.Reset
		case "alert":
			r.Action = flow.Alert
		case "threat":
			r.Name = flow.Threat
		case "reason":
			r.Reason = []byte(value)
		case "observer":
			r.ObserverID = []byte(value)
		case "session":
			r.SessionID = []byte(value)
		case "res":
			r.TimeRes = flow.TimeRes(n)
		case "one-time":
			r.TimesKnown = false
		default:
			return fmt.Errorf("flow: no such word: %q", w)
		}
	}
	return nil
}

func parseEnd(text string) (flow.Addr, uint16, error) {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && strings.Count(text, ":") == 1 {
		host, port = text[:i], text[i+1:]
	}
	a, err := feature.ParseAddr(host)
	if err != nil || port == "" {
		return flow.Addr(a), 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return flow.Addr(a), uint16(n), err
}

func parseAt(text string) (int64, error) {
	if n, ok := strings.CutPrefix(text, "="); ok {
		return strconv.ParseInt(n, 10, 64)
	}
	d, err := time.ParseDuration(text)
	return at(d), err
}
