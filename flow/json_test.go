package flow

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// decodeByScanner builds what json.Unmarshal into a map builds, numbers as json.Number.
func decodeByScanner(s *jsonScanner, raw []byte) (map[string]any, error) {
	if err := s.open(raw); err != nil {
		return nil, err
	}
	return scannedObject(s)
}

func scannedObject(s *jsonScanner) (map[string]any, error) {
	m := map[string]any{}
	for {
		key, v, ok, err := s.next()
		if err != nil || !ok {
			return m, err
		}
		if m[coerceUTF8(key)], err = scannedValue(s, v); err != nil {
			return nil, err
		}
	}
}

func scannedValue(s *jsonScanner, v jsonValue) (any, error) {
	switch v.kind {
	case jsonString:
		return coerceUTF8(s.text(v)), nil
	case jsonNumber:
		return json.Number(v.raw), nil
	case jsonTrue, jsonFalse:
		return v.kind == jsonTrue, nil
	case jsonNull:
		return nil, nil
	case jsonObject:
		at := s.enter(v)
		defer s.leave(at)
		return scannedObject(s)
	}
	at := s.enter(v)
	defer s.leave(at)
	list := []any{}
	for {
		e, ok, err := s.element()
		if err != nil || !ok {
			return list, err
		}
		x, err := scannedValue(s, e)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
}

// coerceUTF8 replaces each byte that is no UTF-8 by U+FFFD, as encoding/json does.
func coerceUTF8(b []byte) string {
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out, b = utf8.AppendRune(out, r), b[n:]
	}
	return string(out)
}

func decodeByStdlib(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if !json.Valid(raw) {
		return nil, &jsonError{}
	}
	var m map[string]any
	err := d.Decode(&m)
	if err == nil && m == nil {
		return nil, &jsonError{what: "null is no object"}
	}
	return m, err
}

var jsonSeeds = []string{
	`{}`, ` { } `, `{"a":1}`, "\t{\"a\" : 1 ,\r\n\"b\":[1,2, {}]}\n", `{"a":1,"a":2}`, `{"a":{"b":1},"a":{}}`,
	`{"a":"x\"y\\z\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\udc00"}`, `{"\u0061":true,"b":false,"c":null}`,
	`{"a":-0.5e+10,"b":0,"c":-0,"d":1E-3}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`,
	`{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":[1,]}`, `{"a":[,]}`, `{"a":[1 2]}`,
	`{"a":tru}`, `{"a":nul`, `{"a":"x`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\x01\"}", "{\"a\":\"0123456789\x1f\"}",
	`{"a":1}x`, `{"a":1}{}`, `[1]`, `"a"`, `1`, `null`, ``, ` `, `{`, `}`, "{\"a\":\"\xff\xfe\"}", "{\"\xff\":\"\x7f\"}",
	`{"a":[[[[{"b":[{}]}]]]],"c":[]}`, "\xef\xbb\xbf{}", `{"a":"日本語, with enough text to pass eight bytes"}`,
}

func checkAgainstStdlib(t *testing.T, raw []byte) {
	t.Helper()
	got, gotErr := decodeByScanner(&jsonScanner{}, raw)
	want, wantErr := decodeByStdlib(raw)
	if gotErr != nil && strings.Contains(gotErr.Error(), "too deep") {
		return
	}
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, encoding/json says %v", raw, gotErr, wantErr)
	}
	if gotErr == nil {
		if d := cmp.Diff(got, want); d != "" {
			t.Fatalf("%q: got-want:\n%s", raw, d)
		}
	}
}

func TestScannerAgreesWithStdlib(t *testing.T) {
	for _, s := range jsonSeeds {
		checkAgainstStdlib(t, []byte(s))
		for cut := range len(s) {
			checkAgainstStdlib(t, []byte(s[:cut]))
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(checkAgainstStdlib)
}

func TestScannerDepthAndOffsets(t *testing.T) {
	deep := func(n int) []byte {
		return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
	}
	s := &jsonScanner{}
	if _, err := decodeByScanner(s, deep(jsonMaxDepth)); err != nil {
		t.Errorf("depth %d: %v", jsonMaxDepth, err)
	}
	_, err := decodeByScanner(s, deep(jsonMaxDepth+1))
	if want := "json: nested too deep at offset " + strconv.Itoa(5*jsonMaxDepth+1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for raw, want := range map[string]string{
		`{"a":1`:      "json: input ends inside a container at offset 6",
		`{"a":1]`:     "json: no comma at offset 6",
		`{"a":"b\q"}`: "json: bad escape at offset 7",
		`{"a":0x1}`:   "json: no comma at offset 6",
		`{"a":1} 2`:   "json: text after the object at offset 8",
	} {
		if _, err := decodeByScanner(s, []byte(raw)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
	}
}

func TestScannerLookup(t *testing.T) {
	for _, c := range []struct{ raw, path, want string }{
		{`{"a":{"b":1}}`, "a.b", "1"},
		{`{"a.b":1}`, "a.b", "1"},
		{`{"a":{"b.c":1}}`, "a.b.c", "1"},
		{`{"a.b":{"c":1}}`, "a.b.c", "1"},
		{`{"a.b":1,"a.b":2}`, "a.b", "2"},
		{`{"a":{"b":1},"a":{}}`, "a.b", ""},
		{`{"a":{"b":1},"a":3}`, "a.b", ""},
		{`{"a":[1]}`, "a", "[1]"},
		{`{"a":1}`, "b", ""},
		{`{"ab":{"c":1}}`, "a.c", ""},
	} {
		s := &jsonScanner{}
		got := s.lookup(jsonValue{kind: jsonObject, raw: []byte(c.raw)}, c.path)
		if string(got.raw) != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.path, c.raw, got.raw, c.want)
		}
	}
}
