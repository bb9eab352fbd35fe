package feature

import (
	"slices"
	"strings"
	"testing"
)

func TestDefaultPortSets(t *testing.T) {
	lists := DefaultPortLists()
	p, err := NewPortSets(lists)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set  *PortSet
		list []int
		size int
	}{"high_risk": {p.HighRisk, lists.HighRisk, 20}, "admin": {p.Admin, lists.Admin, 6}, "fileshare": {p.Fileshare, lists.Fileshare, 10},
		"directory": {p.Directory, lists.Directory, 6}, "db": {p.DB, lists.DB, 12}} {
		if len(c.list) != c.size {
			t.Errorf("%s has %d ports, want %d", name, len(c.list), c.size)
		}
		for port := range 1 << 16 {
			if got, want := c.set.Contains(uint16(port)), slices.Contains(c.list, port); got != want || (c.set.count(uint16(port)) == 1) != want {
				t.Errorf("%s contains %d: got %t, want %t", name, port, got, want)
			}
		}
	}
}

func TestNewPortSetsNamesEveryFault(t *testing.T) {
	_, err := NewPortSets(PortLists{Admin: []int{22, 0, 65536}, DB: []int{-1}})
	if err == nil {
		t.Fatal("ports out of range were taken")
	}
	for _, want := range []string{"port set admin", "port 0 ", "port 65536", "port set db", "port -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}
