package fgb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ndr/feature"
)

// groupID names a group of rows: segment, role, band and window in one number, made by groups.
type groupID uint32

const (
	maxBands    = 8
	maxSegments = 1 << 25
)

func makeGroup(segment int, role feature.Role, band, window int) groupID {
	return groupID(segment<<7 | int(role)<<6 | band<<3 | window)
}

func (g groupID) segment() int       { return int(g >> 7) }
func (g groupID) role() feature.Role { return feature.Role(g >> 6 & 1) }
func (g groupID) band() int          { return int(g >> 3 & (maxBands - 1)) }
func (g groupID) window() int        { return int(g & 7) }
func (g groupID) label() string      { return feature.Windows[g.window()].Label }

// names numbers the segments and bands of a job. It may be used from any goroutine.
type names struct {
	parts, part int
	mu          struct {
		sync.RWMutex
		segments []string
		bands    []string
		segment  map[string]int
	}
}

func newNames(part, parts int) *names {
	n := &names{parts: parts, part: part}
	n.mu.segment = make(map[string]int)
	return n
}

// own reports whether a segment belongs to the part.
func (n *names) own(segment string) bool {
	return n.parts == 1 || int(feature.Hash(segment)%uint64(n.parts)) == n.part
}

// segmentNumber is the number of a segment.
func (n *names) segmentNumber(segment string) (int, error) {
	n.mu.RLock()
	i, ok := n.mu.segment[segment]
	n.mu.RUnlock()
	if ok {
		return i, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if i, ok := n.mu.segment[segment]; ok {
		return i, nil
	}
	i = len(n.mu.segments)
	if i == maxSegments {
		return 0, fmt.Errorf("number segments: more than %d: use more parts", maxSegments)
	}
	segment = strings.Clone(segment)
	n.mu.segments = append(n.mu.segments, segment)
	n.mu.segment[segment] = i
	return i, nil
}

// bandNumber is the number of a time band.
func (n *names) bandNumber(band string) (int, error) {
	n.mu.RLock()
	i := slices.Index(n.mu.bands, band)
	n.mu.RUnlock()
	if i >= 0 {
		return i, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.mu.bands, band); i >= 0 {
		return i, nil
	}
	if len(n.mu.bands) == maxBands {
		return 0, fmt.Errorf("number time bands: %q after %q: more than %d", band, n.mu.bands, maxBands)
	}
	n.mu.bands = append(n.mu.bands, strings.Clone(band))
	return len(n.mu.bands) - 1, nil
}

// segmentName and bandName are the texts of numbers.
func (n *names) segmentName(i int) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.mu.segments[i]
}

func (n *names) bandName(i int) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.mu.bands[i]
}

// compareSegments orders groups as the rows of fg_b/segment: segment, role, band, window, each as text.
func (n *names) compareSegments(a, b groupID) int {
	if c := strings.Compare(n.segmentName(a.segment()), n.segmentName(b.segment())); c != 0 {
		return c
	}
	return n.compareRest(a, b)
}

// compareHosts orders the groups of a host as the rows of fg_b/host: role, segment, band, window.
func (n *names) compareHosts(a, b groupID) int {
	if c := cmp.Compare(a.role(), b.role()); c != 0 { // roles are in the order of their names
		return c
	}
	return n.compareSegments(a, b)
}

func (n *names) compareRest(a, b groupID) int {
	return cmp.Or(cmp.Compare(a.role(), b.role()), strings.Compare(n.bandName(a.band()), n.bandName(b.band())),
		strings.Compare(a.label(), b.label()))
}
