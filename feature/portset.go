package feature

import (
	"errors"
	"fmt"
)

// PortSet is a set of ports as a bitset, so that a flow asks five of them without a branch.
type PortSet [1 << 10]uint64

// NewPortSet makes a set of the ports. Each is 1..65535: port 0 stands for "no port".
func NewPortSet(ports []int) (*PortSet, error) {
	s := new(PortSet)
	var faults []error
	for _, p := range ports {
		if p < 1 || p > 0xffff {
			faults = append(faults, fmt.Errorf("make port set: port %d is not within 1..65535", p))
			continue
		}
		s[p>>6] |= 1 << (p & 63)
	}
	return s, errors.Join(faults...)
}

// Contains reports whether the port is in the set.
func (s *PortSet) Contains(port uint16) bool { return s[port>>6]>>(port&63)&1 != 0 }

// count is 1 if the port is in the set, else 0.
func (s *PortSet) count(port uint16) int64 { return int64(s[port>>6] >> (port & 63) & 1) }

// PortLists names the ports of the five sets, as a configuration writes them.
type PortLists struct {
	HighRisk, Admin, Fileshare, Directory, DB []int
}

// DefaultPortLists are the sets of features.md section 2.
func DefaultPortLists() PortLists {
	return PortLists{
		HighRisk: []int{21, 23, 69, 135, 137, 138, 139, 445, 512, 513, 514, 1080, 1433, 3389, 4444, 5555, 5900, 6667,
			8333, 9001},
		Admin:     []int{22, 23, 3389, 5900, 5985, 5986},
		Fileshare: []int{20, 21, 111, 137, 138, 139, 445, 548, 2049, 873},
		Directory: []int{88, 389, 464, 636, 3268, 3269},
		DB:        []int{1433, 1434, 1521, 3306, 5432, 6379, 7000, 9042, 9200, 11211, 27017, 50000},
	}
}

// PortSets are the sets of destination ports that are counted per host. They are read-only after NewPortSets.
type PortSets struct {
	HighRisk, Admin, Fileshare, Directory, DB *PortSet
}

// NewPortSets makes the sets. The error names every port that is out of range, with its set.
func NewPortSets(l PortLists) (*PortSets, error) {
	p := new(PortSets)
	var faults []error
	for _, set := range []struct {
		name  string
		ports []int
		to    **PortSet
	}{
		{"high_risk", l.HighRisk, &p.HighRisk}, {"admin", l.Admin, &p.Admin}, {"fileshare", l.Fileshare, &p.Fileshare},
		{"directory", l.Directory, &p.Directory}, {"db", l.DB, &p.DB},
	} {
		s, err := NewPortSet(set.ports)
		if err != nil {
			faults = append(faults, fmt.Errorf("port set %s: %w", set.name, err))
		}
		*set.to = s
	}
	return p, errors.Join(faults...)
}
