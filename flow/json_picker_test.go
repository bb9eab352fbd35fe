package flow

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var pickerPaths = []string{"a", "b", "a.b", "a.b.c", "id.orig_h", "d.e", "x"}

// pickSlowly is the oracle: the same rules, member by member over the scanner, with nothing remembered.
func pickSlowly(raw []byte) (map[string]string, error) {
	s := &jsonScanner{}
	if err := s.open(raw); err != nil {
		return nil, err
	}
	out := map[string]string{}
	return out, pickObjectSlowly(s, "", out)
}

func pickObjectSlowly(s *jsonScanner, prefix string, out map[string]string) error {
	for {
		key, v, ok, err := s.next()
		if err != nil || !ok {
			return err
		}
		path := prefix + string(key)
		for _, p := range pickerPaths {
			if p == path || strings.HasPrefix(p, path+".") {
				delete(out, p)
			}
			if p == path {
				out[p] = fmt.Sprint(v.kind, " ", string(s.text(v)))
			}
		}
		if v.kind == jsonObject {
			at := s.enter(v)
			if err := pickObjectSlowly(s, path+".", out); err != nil {
				return err
			}
			s.leave(at)
		}
	}
}

func checkPicker(t *testing.T, p *jsonPicker, raw []byte) {
	t.Helper()
	gotErr := p.pick(raw)
	want, wantErr := pickSlowly(raw)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, scanner says %v", raw, gotErr, wantErr)
	}
	if gotErr != nil {
		return
	}
	got := map[string]string{}
	for slot, path := range pickerPaths {
		if p.kind(slot) != jsonNone {
			got[path] = fmt.Sprint(p.kind(slot), " ", string(p.text(slot)))
		}
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Fatalf("%q: got-want:\n%s", raw, d)
	}
}

var pickerSeeds = []string{
	`{"a":1,"b":"two","x":null}`, `{"a": 1, "b": "two", "x": null}`, `{"a":  "1","b":2}`, `{"b":"two","a":1}`, `{"a":1,"q":[1,{"a":2}],"b":"\u0041"}`,
	`{"a":{"b":{"c":1}}}`, `{"a":{"b.c":1}}`, `{"a.b.c":1}`, `{"a.b":{"c":1},"a":2}`, `{"a":{"b":1},"a":{}}`,
	`{"id":{"orig_h":"10.0.0.1"}}`, `{"id.orig_h":"10.0.0.1"}`, `{"\u0061":1}`, `{"a":1,"a":2}`, `{"a":1{"a":1}`, "{\"a\":1\x00}", "{\"a\":1\x002}", "{\"a\":1no match2}", `{"a":1,"b":"two","x":null`,
	`{"a":{"a":{"a":1}},"b":{"b":[]}}`, `{}`, ` {"a":1} `, `{"a":1}{`, `{"":{"":1}}`, `{"a.":1,".a":2,"..":3}`,
}

func TestPickerAgreesWithScanner(t *testing.T) {
	all := append(append([]string{}, pickerSeeds...), jsonSeeds...)
	p := newJSONPicker(pickerPaths)
	for range 3 {
		for i := range all {
			checkPicker(t, p, []byte(all[i]))
			checkPicker(t, p, []byte(all[(i*7+3)%len(all)]))
		}
	}
}

func FuzzPicker(f *testing.F) {
	for i, s := range pickerSeeds {
		f.Add([]byte(s), []byte(pickerSeeds[(i+1)%len(pickerSeeds)]))
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, learned, raw []byte) {
		p := newJSONPicker(pickerPaths)
		checkPicker(t, p, learned)
		checkPicker(t, p, raw)
		checkPicker(t, p, bytes.ReplaceAll(raw, []byte(":"), []byte(": ")))
		checkPicker(t, p, learned)
	})
}

// Keys that are data must neither fill the memory nor make the picker wrong.
func TestPickerForgets(t *testing.T) {
	p := newJSONPicker(pickerPaths)
	for i := range 3 * pickMaxSteps {
		checkPicker(t, p, fmt.Appendf(nil, `{"k%d":1,"a":%d}`, i, i))
	}
	if p.steps > pickMaxSteps+8 {
		t.Errorf("%d steps kept, limit %d", p.steps, pickMaxSteps)
	}
	long := strings.Repeat("k", 2*pickMaxLead)
	checkPicker(t, p, []byte(`{"`+long+`":1,"b":2,"`+long+`":{"b":1}}`))
}
