package feature

import "errors"

// Networks is a set of networks, e.g. those whose hosts get rows. It is read-only after NewNetworks.
type Networks struct{ table *prefixTable }

// DefaultInternalNetworks are RFC 1918, RFC 4193 and RFC 6598.
func DefaultInternalNetworks() []string {
	return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"}
}

// NewNetworks makes the set of the CIDRs. The error names every one that cannot be read.
func NewNetworks(cidrs []string) (*Networks, error) {
	var entries []prefixEntry
	var faults []error
	for _, s := range cidrs {
		p, err := parsePrefix(s)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		entries = append(entries, prefixEntry{p, 0})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Networks{newPrefixTable(entries)}, nil
}

// Contains reports whether a network of the set contains the address.
func (n *Networks) Contains(a Addr) bool { return n.table.find(a) != noPrefix }
