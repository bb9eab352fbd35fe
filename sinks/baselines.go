package sinks

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ndr/feature"
)

// BaselinePublication is a publication of baselines on the local disk, as closes read it. It is fetched once per
// process and may be used by any goroutine; each takes Baselines of its own. In memory is an index of the first
// key of each 16 KiB.
type BaselinePublication struct {
	meta     *BaselineMeta
	key      string
	dir      string
	horizons map[string]*localHorizon
}

// OpenPublication copies a publication to a new folder in dir ("": the system's), which Close removes.
func OpenPublication(ctx context.Context, store Store, layout feature.Layout, month string, revision int, dir string) (_ *BaselinePublication, err error) {
	p := &BaselinePublication{horizons: make(map[string]*localHorizon)}
	if p.key, err = layout.Path(feature.PublicationObject(month, revision)); err != nil {
		return nil, err
	}
	if p.meta, err = ReadBaselineMeta(ctx, store, layout, month, revision); err != nil {
		return nil, err
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder of baselines: %w", err)
		}
	}
	if p.dir, err = os.MkdirTemp(dir, "baselines-"+month+"-"); err != nil {
		return nil, fmt.Errorf("make folder of baselines: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for i := range p.meta.Horizons {
		h := &p.meta.Horizons[i]
		local, err := localize(ctx, store, h, p.dir)
		if err != nil {
			return nil, fmt.Errorf("open publication %s: horizon %s: %w", p.key, h.Name, err)
		}
		p.horizons[h.Name] = local
	}
	return p, nil
}

// Meta is what the publication says of itself.
func (p *BaselinePublication) Meta() *BaselineMeta { return p.meta }

// Key is the key of its publication.json.
func (p *BaselinePublication) Key() string { return p.key }

// Close removes the local files. Baselines of it are of no more use.
func (p *BaselinePublication) Close() error {
	var errs []error
	for _, h := range p.horizons {
		errs = append(errs, h.close())
	}
	p.horizons = nil
	if p.dir != "" {
		errs = append(errs, removeFolder(p.dir))
	}
	return errors.Join(errs...)
}

// removeFolder removes a folder of this package's and what is in it.
func removeFolder(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), "baselines-") {
		return fmt.Errorf("remove %s: not a folder of baselines", dir)
	}
	return os.RemoveAll(dir)
}

// Missing lists the tables of pairs that the publication lacks for a horizon. While there are any, FG-C with pair
// features cannot be made.
func (p *BaselinePublication) Missing(horizon string) (datasets []string) {
	h := p.horizons[horizon]
	if h == nil || h.pairHost == nil {
		datasets = append(datasets, feature.DatasetFGBPairHost)
	}
	if h == nil || h.pairSeg == nil {
		datasets = append(datasets, feature.DatasetFGBPairSegment)
	}
	return datasets
}

// Baselines returns one horizon as the close of a slice of the band reads it, and a function that ends the reading
// and tells of the first error that a method without one came upon.
func (p *BaselinePublication) Baselines(horizon, band string) (feature.Baselines, func() error, error) {
	h := p.horizons[horizon]
	if h == nil {
		return nil, nil, fmt.Errorf("read baselines of %s: no horizon %q", p.key, horizon)
	}
	v := &baselineView{h: h, host: h.host[band].Cursor(), segment: h.segment[band].Cursor(), machine: h.machine.Cursor(),
		pairHost: h.pairHost.Cursor(), pairSeg: h.pairSeg.Cursor(), peer: h.peer.Cursor(), segments: make(map[string]*segmentRows)}
	if h.pairHost != nil {
		v.current.Pair = v.pair
	}
	return v, func() error { return v.err }, nil
}

// baselineView implements feature.Baselines.
type baselineView struct {
	h                         *localHorizon
	host, segment, machine    *BlockCursor
	pairHost, pairSeg, peer   *BlockCursor
	current                   feature.HostBaseline
	stats                     [2][len(feature.Windows)]feature.BaselineStats // of current
	hostKey, pairKey, peerKey []byte
	segments                  map[string]*segmentRows
	err                       error // of a method that returns none
}

type segmentRows [2][len(feature.Windows)]*feature.BaselineStats

// maxSegments bounds the segments that are kept decoded, about 35 KiB each; past it they are forgotten and read anew.
const maxSegments = 256

// Host implements feature.Baselines.
func (v *baselineView) Host(host feature.Addr, segment string) (*feature.HostBaseline, error) {
	if v.err != nil {
		return nil, v.err
	}
	v.hostKey = host.AppendSorted(v.hostKey[:0])
	c := &v.current
	c.Stats, c.Full, c.HasMeta, c.Typical = [2][len(feature.Windows)]*feature.BaselineStats{}, [2][len(feature.Windows)]bool{}, false, c.Typical[:0]
	for role := range c.Cold {
		for w := range c.Cold[role] {
			c.Cold[role][w] = true
		}
	}
	value, ok, err := v.machine.Find(v.hostKey)
	if err != nil || !ok {
		return c, err
	}
	c.HasMeta = true
	if typical, _, _ := bytes.Cut(value, []byte{0}); len(typical) > 0 {
		c.Typical = append(c.Typical, strings.Split(string(typical), ",")...)
	}
	rows, _, err := v.host.Find(v.hostKey)
	if err != nil {
		return nil, err
	}
	return c, v.addRows(rows, segment)
}

// addRows takes the rows of the current host that are of the segment.
func (v *baselineView) addRows(rows []byte, segment string) error {
	var skipped feature.BaselineStats
	for len(rows) > 0 {
		of, rest, ok := cutBytes(rows)
		if !ok || len(rest) < 2 || rest[0] > 1 || int(rest[1]) >= len(feature.Windows) {
			return errBaselineRow
		}
		mine := string(of) == segment
		into := &skipped
		if mine {
			into = &v.stats[rest[0]][rest[1]]
		}
		role, window, flags, rest, err := readStats(rest, into)
		if err != nil {
			return err
		}
		if mine {
			v.current.Stats[role][window] = into
			v.current.Cold[role][window], v.current.Full[role][window] = flags&flagCold != 0, flags&flagFull != 0
		}
		rows = rest
	}
	return nil
}

// pair looks up a pair of the current host.
func (v *baselineView) pair(dst feature.Addr, port uint16) (p feature.PairBaseline, ok bool) {
	v.pairKey = binary.BigEndian.AppendUint16(dst.AppendSorted(append(v.pairKey[:0], v.hostKey...)), port)
	return v.lookUp(v.pairHost, v.pairKey)
}

func (v *baselineView) lookUp(c *BlockCursor, key []byte) (p feature.PairBaseline, ok bool) {
	value, ok, err := c.Find(key)
	if err == nil && ok {
		p, err = readPairBaseline(value)
	}
	if err != nil {
		v.fail(err)
		return p, false
	}
	return p, ok
}

func (v *baselineView) fail(err error) {
	if v.err == nil {
		v.err = fmt.Errorf("read baselines of %s: %w", v.h.meta.Name, err)
	}
}

// Segment implements feature.Baselines.
func (v *baselineView) Segment(segment string, role feature.Role, window int) *feature.BaselineStats {
	rows := v.segments[segment]
	if rows == nil {
		rows = &segmentRows{}
		value, _, err := v.segment.Find([]byte(segment))
		for err == nil && len(value) > 0 {
			s := &feature.BaselineStats{}
			var r feature.Role
			var w int
			if r, w, _, value, err = readStats(value, s); err == nil {
				rows[r][w] = s
			}
		}
		if err != nil {
			v.fail(err)
			return nil
		}
		if len(v.segments) >= maxSegments {
			clear(v.segments)
		}
		v.segments[strings.Clone(segment)] = rows
	}
	return rows[role][window]
}

// PairSegment implements feature.Baselines.
func (v *baselineView) PairSegment(segment string, dst feature.Addr, port uint16) (feature.PairBaseline, bool) {
	v.pairKey = append(append(v.pairKey[:0], segment...), 0)
	v.pairKey = binary.BigEndian.AppendUint16(dst.AppendSorted(v.pairKey), port)
	return v.lookUp(v.pairSeg, v.pairKey)
}

// Peer implements feature.Baselines.
func (v *baselineView) Peer(dst feature.Addr) (hosts int64, ok bool) {
	v.peerKey = dst.AppendSorted(v.peerKey[:0])
	value, ok, err := v.peer.Find(v.peerKey)
	if err != nil {
		v.fail(err)
		return 0, false
	}
	hosts, _ = binary.Varint(value)
	return hosts, ok
}

// Hosts implements feature.Baselines.
func (v *baselineView) Hosts() int64 { return v.h.meta.Hosts }

// Bounds implements feature.Baselines.
func (v *baselineView) Bounds() (start, end int64) {
	return v.h.meta.Start.UnixMicro(), v.h.meta.End.UnixMicro()
}

// HorizonNames lists the horizons of the publication.
func (p *BaselinePublication) HorizonNames() (names []string) {
	for name := range p.horizons {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
