package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ndr/flow"
	"ndr/stream"
)

const header = "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\n"

// row is a conn.log line that ends at a second.
func row(second int, from, to string) string {
	return fmt.Sprintf("%d\t%s\t1000\t%s\t80\ttcp\t-\n", second, from, to)
}

// folder is a set of inputs that counts how often each is opened.
type folder struct {
	mu     sync.Mutex
	opens  map[string]int
	open   atomic.Int64 // now
	most   int64
	inputs []Input
}

func newFolder() *folder { return &folder{opens: make(map[string]int)} }

// add makes an input; read wraps its reader.
func (f *folder) add(name string, content []byte, read func(ctx context.Context, r io.Reader) (io.Reader, error)) {
	f.inputs = append(f.inputs, Input{Name: name, Open: func(ctx context.Context) (io.ReadCloser, error) {
		var r io.Reader = bytes.NewReader(content)
		if read != nil {
			var err error
			if r, err = read(ctx, r); err != nil {
				return nil, err
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.opens[name]++
		f.most = max(f.most, f.open.Add(1))
		return &opened{r, f, sync.Once{}}, nil
	}})
}

type opened struct {
	io.Reader
	f    *folder
	once sync.Once
}

func (o *opened) Close() error {
	o.once.Do(func() { o.f.open.Add(-1) })
	return nil
}

func config(f *folder) Config {
	return Config{Inputs: f.inputs, NewDecoder: func() (flow.Decoder, error) { return flow.New(flow.Config{Format: flow.FormatZeekTSV}) }}
}

// got is a record with its bytes copied, as a consumer keeps it.
type got struct {
	position int64
	text     string
	origin   *stream.Origin
	line     int64
	fault    string
}

func (g got) String() string {
	s := fmt.Sprintf("%d %s:%d %s", g.position, g.origin.Name, g.line, strings.ReplaceAll(strings.TrimSpace(g.text), "\t", " "))
	if g.fault != "" {
		s += " fault " + g.fault
	}
	return s
}

// readAll reads a partition to its end, as a worker does, with short polls.
func readAll(t *testing.T, cfg Config, partition int) (out []got) {
	t.Helper()
	s := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := &reader{m: newMerge(ctx, &s.cfg), partition: partition, of: s.cfg.Partitions}
	defer r.m.close()
	for {
		poll, done := context.WithTimeout(ctx, time.Second)
		records, err := r.Poll(poll)
		done()
		for _, rec := range records {
			g := got{position: rec.Position, text: string(rec.Value), origin: rec.Origin, line: rec.Line}
			if rec.Fault != nil {
				g.fault = rec.Fault.Reason
			}
			out = append(out, g)
		}
		if err == io.EOF {
			return out
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func texts(records []got) (out []string) {
	for _, g := range records {
		out = append(out, g.String())
	}
	return out
}

func TestMergeOrder(t *testing.T) {
	f := newFolder()
	// Named against the order of time; b and c tie at 20, where the name decides.
	f.add("c.log", []byte(header+row(20, "10.0.0.3", "10.0.0.9")+row(25, "10.0.0.3", "10.0.0.9")), nil)
	f.add("b.log", []byte(header+row(20, "10.0.0.2", "10.0.0.9")+"#close\n"+row(30, "10.0.0.2", "10.0.0.9")), nil)
	f.add("z.log", []byte(header+row(10, "10.0.0.1", "10.0.0.9")+row(5, "10.0.0.1", "10.0.0.9")+row(22, "10.0.0.1", "10.0.0.9")), nil)
	f.add("nothing.log", []byte(header+"broken row\n"), nil)
	f.add("empty.log", nil, nil)
	records := slices.DeleteFunc(readAll(t, config(f), 0), func(g got) bool { return strings.HasPrefix(g.text, "#") && !strings.HasPrefix(g.text, "#close") })
	want := []string{
		"3 nothing.log:4 broken row", // without a flow: first
		"7 z.log:4 10 10.0.0.1 1000 10.0.0.9 80 tcp -",
		"8 z.log:5 5 10.0.0.1 1000 10.0.0.9 80 tcp -", // out of order in its file: as it comes
		"12 b.log:4 20 10.0.0.2 1000 10.0.0.9 80 tcp -",
		"13 b.log:5 #close", // no flow: at once
		"17 c.log:4 20 10.0.0.3 1000 10.0.0.9 80 tcp -",
		"18 z.log:6 22 10.0.0.1 1000 10.0.0.9 80 tcp -",
		"19 c.log:5 25 10.0.0.3 1000 10.0.0.9 80 tcp -",
		"20 b.log:6 30 10.0.0.2 1000 10.0.0.9 80 tcp -",
	}
	if d := gocmp.Diff(texts(records), want); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
	for name, n := range f.opens { // once to look at the first flow, once to read
		if n != 2 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
	if f.open.Load() != 0 {
		t.Errorf("%d files are open", f.open.Load())
	}
}

// TestLazyOpen: of many files that follow each other only those that overlap are open together.
func TestLazyOpen(t *testing.T) {
	f := newFolder()
	for i := range 200 {
		f.add(fmt.Sprintf("conn.%03d.log", i), []byte(header+row(100*i, "10.0.0.1", "10.0.0.9")+row(100*i+50, "10.0.0.1", "10.0.0.9")), nil)
	}
	if n := len(readAll(t, config(f), 0)); n != 200*5 {
		t.Errorf("%d records", n)
	}
	if f.most > 2 {
		t.Errorf("%d files were open together", f.most)
	}
}

// TestOrigins: files with different columns are read side by side, and every record comes with the header in force for
// it. An origin changes when the header does, also within a file, and a decoder that knows nothing else reads alike.
func TestOrigins(t *testing.T) {
	f := newFolder()
	other := "#separator \\x09\n#path\tconn\n#fields\tid.resp_h\tid.resp_p\tid.orig_h\tid.orig_p\tproto\tts\n"
	f.add("a.log", []byte(header+row(1, "10.0.0.1", "10.0.0.9")+row(30, "10.0.0.1", "10.0.0.9")+other+"10.0.0.8\t80\t10.0.0.7\t1\ttcp\t40\n"), nil)
	f.add("b.log", []byte(other+"10.0.0.9\t80\t10.0.0.2\t1\tudp\t2\n"+"10.0.0.9\t80\t10.0.0.2\t1\tudp\t31\n"), nil)
	for _, partitions := range []int{1, 3} {
		cfg := config(f)
		cfg.Partitions = partitions
		var flows []string
		for p := range partitions {
			states := make(map[*stream.Origin]string)
			for _, g := range readAll(t, cfg, p) {
				if s, ok := states[g.origin]; ok && s != string(g.origin.State) {
					t.Error("the state of an origin changed")
				}
				states[g.origin] = string(g.origin.State)
				d, err := cfg.NewDecoder()
				if err == nil {
					err = d.Restore(g.origin.State)
				}
				if err == nil {
					err = d.Decode([]byte(g.text), func(it *flow.Item) {
						if it.Verdict == flow.Accepted {
							flows = append(flows, fmt.Sprintf("%02d %x %x", it.Record.End/1e9, it.Record.SourceIP.Lo&255, it.Record.DestinationIP.Lo&255))
						} else if it.Verdict == flow.Rejected {
							t.Errorf("%s: %s %s", g, it.Reason, it.Detail)
						}
					})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		slices.Sort(flows)
		if d := gocmp.Diff(flows, []string{"01 1 9", "02 2 9", "30 1 9", "31 2 9", "40 7 8"}); d != "" {
			t.Errorf("%d partitions: -got +want:\n%s", partitions, d)
		}
	}
}

// randomFolder makes files of random rows, some of them compressed.
func randomFolder(rnd *rand.Rand) *folder {
	f := newFolder()
	for i := range 6 {
		var b strings.Builder
		b.WriteString(header)
		second := rnd.IntN(100)
		for range rnd.IntN(60) {
			second += rnd.IntN(7) - 1
			b.WriteString(row(second, fmt.Sprintf("10.0.0.%d", rnd.IntN(9)), fmt.Sprintf("10.0.0.%d", rnd.IntN(9))))
			if rnd.IntN(10) == 0 {
				b.WriteString("broken\n")
			}
		}
		content := []byte(b.String())
		if i%2 == 0 {
			content = gzipped(content)
		}
		f.add(fmt.Sprintf("f%d", i), content, nil)
	}
	return f
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// TestSpread: the partitions hold every record of the merged stream exactly once, in its order, and both directions of
// a conversation lie in one.
func TestSpread(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 1))
	for range 10 {
		f := randomFolder(rnd)
		whole := readAll(t, config(f), 0)
		key := func(g got) string { return fmt.Sprintf("%s:%d", g.origin.Name, g.line) }
		place := make(map[string]int)
		for i, g := range whole {
			if g.position != int64(i) {
				t.Fatalf("record %d has position %d", i, g.position)
			}
			place[key(g)] = i
		}
		for _, partitions := range []int{2, 3, 8} {
			cfg := config(f)
			cfg.Partitions = partitions
			seen, home := make(map[string]int), make(map[string]int)
			for p := range partitions {
				last := -1
				for i, g := range readAll(t, cfg, p) {
					at, ok := place[key(g)]
					if !ok || at <= last || g.text != whole[at].text || g.position != int64(i) {
						t.Fatalf("partition %d, record %d: %s", p, i, g)
					}
					last = at
					seen[key(g)]++
					if cells := strings.Split(g.text, "\t"); len(cells) == 7 && cells[0] != "#fields" {
						ends := []string{cells[1], cells[3]}
						slices.Sort(ends)
						pair := strings.Join(ends, " ")
						if q, ok := home[pair]; ok && q != p {
							t.Fatalf("%s lies in partitions %d and %d", pair, p, q)
						}
						home[pair] = p
					} else if p != 0 {
						t.Errorf("a line without a flow lies in partition %d: %s", p, g)
					}
				}
			}
			if len(seen) != len(whole) {
				t.Errorf("%d records of %d", len(seen), len(whole))
			}
			for k, n := range seen {
				if n != 1 {
					t.Errorf("%s comes %d times", k, n)
				}
			}
		}
	}
}
