package flow

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipOf(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, parts ...string) (b []byte) {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, p := range parts {
		b = w.EncodeAll([]byte(p), b)
	}
	return b
}

func TestDecompressor(t *testing.T) {
	limits := Limits{MaxInput: 4096, MaxOutput: 10000}
	zeros := strings.Repeat("\x00", 10000)
	for name, c := range map[string]struct {
		in     []byte
		want   string
		reason string
	}{
		"plain":            {[]byte("2 1234 eni"), "2 1234 eni", ""},
		"empty":            {nil, "", ""},
		"gzip":             {gzipOf(t, "hello"), "hello", ""},
		"gzip members":     {gzipOf(t, "a", "b", "c"), "abc", ""},
		"gzip at limit":    {gzipOf(t, zeros), zeros, ""},
		"gzip bomb":        {gzipOf(t, zeros+"x"), "", ReasonTooLarge},
		"gzip cut":         {gzipOf(t, "hello, hello, hello")[:20], "", ReasonMalformed},
		"gzip header only": {gzipOf(t, "hello")[:5], "", ReasonMalformed},
		"gzip tail":        {append(gzipOf(t, "hello"), "tail"...), "", ReasonMalformed},
		"zstd":             {zstdOf(t, "hello"), "hello", ""},
		"zstd frames":      {zstdOf(t, "a", "b"), "ab", ""},
		"zstd at limit":    {zstdOf(t, zeros), zeros, ""},
		"zstd bomb":        {zstdOf(t, strings.Repeat(zeros, 100)), "", ReasonTooLarge},
		"zstd many frames": {zstdOf(t, zeros, zeros), "", ReasonTooLarge},
		"zstd cut":         {zstdOf(t, "hello, this is some text")[:15], "", ReasonMalformed},
		"too large":        {bytes.Repeat([]byte{'x'}, 4097), "", ReasonTooLarge},
	} {
		d := NewDecompressor(limits)
		for range 2 { // the second time with used decompressors
			got, err := d.Open(c.in)
			var u *UndecodableError
			if reason := ""; errors.As(err, &u) {
				if reason = u.Reason; reason != c.reason {
					t.Errorf("%s: %v; want reason %q", name, err, c.reason)
				}
			} else if err != nil || c.reason != "" || string(got) != c.want {
				t.Errorf("%s: %d bytes, %v; want %d bytes, reason %q", name, len(got), err, len(c.want), c.reason)
			}
		}
	}
}

// TestDecompressorSteady checks that a record costs neither goroutines nor memory once the decompressor is warm.
func TestDecompressorSteady(t *testing.T) {
	text := strings.Repeat("some line of text\n", 1000)
	d := NewDecompressor(Limits{})
	for name, in := range map[string][]byte{"gzip": gzipOf(t, text), "zstd": zstdOf(t, text)} {
		open := func() {
			if got, err := d.Open(in); err != nil || len(got) != len(text) {
				t.Fatalf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		open()
		before := runtime.NumGoroutine()
		if n := testing.AllocsPerRun(20, open); n > 5 {
			t.Errorf("%s: %v allocations for a record", name, n)
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%s: %d goroutines, before %d", name, after, before)
		}
	}
}

// readLines reads all lines; a line over the limit appears as its error.
func readLines(t *testing.T, in []byte, maxLine int) (lines []string, err error) {
	t.Helper()
	l, err := NewLineReader(bytes.NewReader(in), maxLine)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	for {
		line, err := l.Next()
		var u *UndecodableError
		switch {
		case errors.As(err, &u):
			lines = append(lines, string(line[:min(len(line), 3)])+"... "+u.Error())
		case err == io.EOF:
			return lines, nil
		case err != nil:
			return lines, err
		default:
			lines = append(lines, string(line))
		}
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("y", 100_000)
	over := "yyy... decode record: too_large: line has 100001 bytes, limit 100000"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":         {"", nil},
		"one":          {"a\n", []string{"a"}},
		"no line end":  {"a\nb", []string{"a", "b"}},
		"cr lf":        {"a\r\nb\r\n", []string{"a", "b"}},
		"empty lines":  {"\n\na\n", []string{"", "", "a"}},
		"long":         {"a\n" + long + "\nb\n", []string{"a", long, "b"}},
		"long at end":  {long, []string{long}},
		"too long":     {"a\n" + long + "y\nb\n", []string{"a", over, "b"}},
		"too long end": {long + "y", []string{over}},
		"long cr lf":   {long + "\r\nb", []string{long, "b"}},
		"64 KiB": {strings.Repeat("z", 65536) + "\n" + strings.Repeat("z", 65535) + "\n",
			[]string{strings.Repeat("z", 65536), strings.Repeat("z", 65535)}},
	} {
		half := len(c.text) / 2
		for kind, in := range map[string][]byte{
			"plain": []byte(c.text), "gzip": gzipOf(t, c.text[:half], c.text[half:]), "zstd": zstdOf(t, c.text[:half], c.text[half:]),
		} {
			got, err := readLines(t, in, 100_000)
			if err != nil || strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("%s %s: %.200q, %v; want %.200q", kind, name, got, err, c.want)
			}
		}
	}
}

func TestLineReaderHuge(t *testing.T) {
	in := gzipOf(t, "a\n"+strings.Repeat("y", 50<<20)+"\nb\n")
	got, err := readLines(t, in, 1<<16)
	want := []string{"a", "yyy... decode record: too_large: line has 52428800 bytes, limit 65536", "b"}
	if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %.300q, %v; want %q", got, err, want)
	}
}

// TestLineReaderCut checks that a cut file gives its whole lines and then an error, not a part of a line.
func TestLineReaderCut(t *testing.T) {
	var text strings.Builder
	for i := range 20000 {
		text.WriteString(strings.Repeat("x", i*7919%50) + "\n")
	}
	whole := strings.Split(text.String(), "\n")
	for kind, in := range map[string][]byte{"gzip": gzipOf(t, text.String()), "zstd": zstdOf(t, text.String())} {
		got, err := readLines(t, in[:len(in)*2/3], 0)
		if err == nil || !strings.Contains(err.Error(), kind) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v; want an unexpected end", kind, err)
		}
		if len(got) > len(whole) || strings.Join(got, "\n") != strings.Join(whole[:len(got)], "\n") {
			t.Errorf("%s: %d lines are not the first ones", kind, len(got))
		}
	}
	got, err := readLines(t, append(gzipOf(t, "a\nb\n"), gzipOf(t, "c\nd\n")[:12]...), 0)
	if err == nil || strings.Join(got, "|") != "a|b" {
		t.Errorf("cut second member: %q, %v; want a, b and an error", got, err)
	}
	if _, err := readLines(t, gzipOf(t, "a")[:3], 0); err == nil {
		t.Error("a gzip header that is cut opens")
	}
}
