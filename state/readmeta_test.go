package state

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ndr/feature"
)

func TestReadMeta(t *testing.T) {
	cfg := Config{Dir: t.TempDir() + "/store", LogicVersion: "7"}
	if m, err := ReadMeta(cfg); err == nil {
		t.Errorf("no store: got %+v, want an error", m)
	}
	s := mustOpen(t, cfg)
	mustFold(t, s, "a", 1, feature.Section{Hosts: []feature.HostRow{hostRow(3, "10.0.0.1", 2)}})
	if m, err := ReadMeta(cfg); err == nil {
		t.Errorf("a store in use: got %+v, want an error", m)
	}
	want := s.Meta()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first one changes nothing
		got, err := ReadMeta(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("meta (-got +want):\n%s", d)
		}
	}
}
