package sinks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMetrics(reg); err == nil {
		t.Error("registering twice is no error")
	}
	s := Instrument(NewFolder(t.TempDir(), Config{NoSync: true}), m)
	ctx := t.Context()
	create(t, s, "k", "12345")
	s.Create(ctx, "k", strings.NewReader("12345"))
	s.Get(ctx, "k", 1, -1)
	s.Get(ctx, "none", 0, -1)
	s.Get(ctx, "../bad", 0, -1)
	info, err := s.Stat(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(ctx, "k", strings.NewReader("123"), info.Tag); err != nil {
		t.Fatal(err)
	}
	o, err := s.Open(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	o.ReadAt(make([]byte, 5), 1)
	o.Close()
	s.List(ctx, "", "", 0)
	s.Delete(ctx, "k")

	got := gathered(t, reg)
	want := []string{
		"bytes create 5", "bytes delete 0", "bytes get 4", "bytes list 0", "bytes open 0", "bytes read 2", "bytes replace 3",
		"bytes stat 0",
		"requests create created 1", "requests create exists 1", "requests delete ok 1", "requests get error 1",
		"requests get not_found 1", "requests get ok 1", "requests list ok 1", "requests open ok 1", "requests read ok 1",
		"requests replace ok 1", "requests stat ok 1",
		"seconds create 2", "seconds delete 1", "seconds get 3", "seconds list 1", "seconds open 1", "seconds read 1",
		"seconds replace 1", "seconds stat 1",
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

// gathered writes each sample as the short name, its labels but the store, and the value or the count.
func gathered(t *testing.T, reg *prometheus.Registry) []string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		name := strings.TrimPrefix(strings.TrimSuffix(f.GetName(), "_total"), "ndr_object_store_")
		for _, m := range f.GetMetric() {
			s := name
			for _, l := range m.GetLabel() {
				if l.GetName() != "store" {
					s += " " + l.GetValue()
				} else if l.GetValue() != "folder" {
					t.Errorf("store %s", l.GetValue())
				}
			}
			n := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			out = append(out, fmt.Sprintf("%s %g", s, n))
		}
	}
	return out
}

// TestInstrumentedStore: the wrapper keeps the contract.
func TestInstrumentedStore(t *testing.T) {
	m, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	testStore(t, Instrument(NewFolder(t.TempDir(), Config{NoSync: true}), m))
}
