package sinks

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ndr/feature"
)

// localHorizon is one horizon of a publication on the local disk.
type localHorizon struct {
	meta     *BaselineHorizon
	host     map[string]*BlockFile // by band: address -> segment, its length first, and the row, for each row
	segment  map[string]*BlockFile // by band: segment -> rows
	machine  *BlockFile            // address -> typical bands
	pairHost *BlockFile            // address, destination, port -> pair; nil if the publication has no such table
	pairSeg  *BlockFile            // segment, zero, destination, port -> pair; the same
	peer     *BlockFile            // destination -> hosts, sessions
}

// builder makes local files out of the tables of a publication.
type localBuilder struct {
	store Store
	dir   string
	h     *localHorizon
	parts map[string][]*BlockFile // by local file
	key   []byte
	value []byte
	stats feature.BaselineStats
}

func (h *localHorizon) close() error {
	var errs []error
	for _, f := range slices.Concat(slices.Collect(maps.Values(h.host)), slices.Collect(maps.Values(h.segment)),
		[]*BlockFile{h.machine, h.pairHost, h.pairSeg, h.peer}) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// localize copies the tables of a horizon to local files in dir.
func localize(ctx context.Context, store Store, meta *BaselineHorizon, dir string) (_ *localHorizon, err error) {
	b := &localBuilder{store: store, dir: dir, parts: make(map[string][]*BlockFile),
		h: &localHorizon{meta: meta, host: make(map[string]*BlockFile), segment: make(map[string]*BlockFile)}}
	defer func() {
		if err != nil {
			for _, files := range b.parts {
				for _, f := range files {
					err = errors.Join(err, f.Close())
				}
			}
			err = errors.Join(err, b.h.close())
		}
	}()
	byPart := make(map[int]BaselineTable) // ip_metadata
	for _, t := range meta.Tables {
		if t.Dataset == feature.DatasetFGBIPMetadata {
			byPart[t.Part] = t
		}
	}
	for _, t := range meta.Tables {
		switch t.Dataset {
		case feature.DatasetFGBHost:
			machines, ok := byPart[t.Part]
			if !ok {
				return nil, fmt.Errorf("read baselines: %s has no table %s of part %d", meta.Name, feature.DatasetFGBIPMetadata, t.Part)
			}
			err = b.hosts(ctx, t, machines)
		case feature.DatasetFGBSegment:
			err = b.segments(ctx, t)
		case feature.DatasetFGBPairHost:
			err = b.pairs(ctx, t, "pair-host", "host_ip")
		case feature.DatasetFGBPairSegment:
			err = b.pairs(ctx, t, "pair-segment", "segment_id")
		case feature.DatasetFGBPeer:
			err = b.peers(ctx, t)
		}
		if err != nil {
			return nil, err
		}
	}
	return b.h, b.merge()
}

// merge joins the parts.
func (b *localBuilder) merge() error {
	for _, name := range slices.Sorted(maps.Keys(b.parts)) {
		kind, band, _ := strings.Cut(name, "\x00")
		f, err := JoinBlocks(b.dir, kind, b.parts[name], kind != "host" && kind != "machine")
		if err != nil {
			return err
		}
		delete(b.parts, name)
		switch kind {
		case "host":
			b.h.host[band] = f
		case "segment":
			b.h.segment[band] = f
		case "machine":
			b.h.machine = f
		case "pair-host":
			b.h.pairHost = f
		case "pair-segment":
			b.h.pairSeg = f
		case "peer":
			b.h.peer = f
		}
	}
	return nil
}

// writers are the open local files of one table, by name.
type localWriters struct {
	b    *localBuilder
	open map[string]*BlockWriter
}

func (b *localBuilder) writers() *localWriters {
	return &localWriters{b, make(map[string]*BlockWriter)}
}

// file is the local file of a name, which may have a band after a zero.
func (w *localWriters) file(name string) (*BlockWriter, error) {
	if f := w.open[name]; f != nil {
		return f, nil
	}
	kind, _, _ := strings.Cut(name, "\x00")
	f, err := NewBlockWriter(w.b.dir, kind)
	if err == nil {
		w.open[name] = f
		w.b.parts[name] = append(w.b.parts[name], f.made)
	}
	return f, err
}

func (w *localWriters) add(name string, key, value []byte) error {
	f, err := w.file(name)
	if err != nil {
		return err
	}
	return f.Add(key, value)
}

func (w *localWriters) finish() error {
	for _, f := range w.open {
		if _, err := f.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// open downloads a table and checks its schema.
func (b *localBuilder) open(ctx context.Context, t BaselineTable, want *feature.Table, columns ...string) (*TableReader, Object, error) {
	o, err := Download(ctx, b.store, t.Key, t.SHA256, b.dir)
	if err != nil {
		return nil, nil, err
	}
	r, err := ReadTable(o, columns...)
	if err == nil {
		err = r.Expect(want)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", t.Key, err), o.Close())
	}
	return r, o, nil
}

// segments takes fg_b/segment: the rows of a segment and band follow each other by role, then band.
func (b *localBuilder) segments(ctx context.Context, t BaselineTable) error {
	r, o, err := b.open(ctx, t, feature.FGBSegmentTable())
	if err != nil {
		return err
	}
	defer o.Close()
	read, err := newStatsColumns(r.Table())
	if err != nil {
		return err
	}
	w := b.writers()
	pending := make(map[string][]byte) // rows of the segment, by band
	last := ""
	flush := func() error {
		for _, band := range slices.Sorted(maps.Keys(pending)) {
			if err := w.add("segment\x00"+band, []byte(last), pending[band]); err != nil {
				return err
			}
		}
		clear(pending)
		return nil
	}
	for batch, err := range r.Batches() {
		if err != nil {
			return fmt.Errorf("read %s: %w", t.Key, err)
		}
		for row := range batch.Rows {
			if s := batch.Cols[read.segment].Text[row]; s != last {
				if err := flush(); err != nil {
					return err
				}
				last = s
			}
			role, window, err := read.row(batch, row, &b.stats)
			if err != nil {
				return fmt.Errorf("read %s: %w", t.Key, err)
			}
			band := batch.Cols[read.band].Text[row]
			pending[band] = appendStats(pending[band], role, window, 0, &b.stats)
		}
	}
	return errors.Join(flush(), w.finish())
}

// pairs takes fg_b/pair/host or fg_b/pair/segment, whose owner is in the named column.
func (b *localBuilder) pairs(ctx context.Context, t BaselineTable, name, owner string) error {
	table := feature.FGBPairHostTable()
	if owner == "segment_id" {
		table = feature.FGBPairSegmentTable()
	}
	r, o, err := b.open(ctx, t, table, owner, "dst_ip", "dst_port", "pair_seen_count", "pair_last_seen_ts", "active_days",
		"pair_daily_avg", "pair_rarity_score", "is_new_pair_flag", "is_rare_pair_flag")
	if err != nil {
		return err
	}
	defer o.Close()
	w := b.writers()
	if _, err := w.file(name); err != nil { // also a table without rows is there
		return err
	}
	from, to := addressText{}, addressText{}
	for batch, err := range r.Batches() {
		if err != nil {
			return fmt.Errorf("read %s: %w", t.Key, err)
		}
		c := batch.Cols
		for row := range batch.Rows {
			b.key = b.key[:0]
			if owner == "host_ip" {
				if b.key, err = from.append(b.key, c[0].Text[row]); err != nil {
					return fmt.Errorf("read %s: %w", t.Key, err)
				}
			} else {
				b.key = append(append(b.key, c[0].Text[row]...), 0)
			}
			if b.key, err = to.append(b.key, c[1].Text[row]); err != nil {
				return fmt.Errorf("read %s: %w", t.Key, err)
			}
			b.key = binary.BigEndian.AppendUint16(b.key, uint16(c[2].Int[row]))
			p := feature.PairBaseline{Seen: c[3].Int[row], LastSeen: c[4].Int[row], ActiveDays: c[5].Int[row], DailyAvg: c[6].Float[row],
				Rarity: c[7].Float[row], New: c[8].Int[row] == 1, Rare: c[9].Int[row] == 1}
			b.value = appendPairBaseline(b.value[:0], &p)
			if err := w.add(name, b.key, b.value); err != nil {
				return err
			}
		}
	}
	return w.finish()
}

// peers takes fg_b/peer.
func (b *localBuilder) peers(ctx context.Context, t BaselineTable) error {
	r, o, err := b.open(ctx, t, feature.FGBPeerTable(), "dst_ip", "hosts_cnt")
	if err != nil {
		return err
	}
	defer o.Close()
	w := b.writers()
	to := addressText{}
	for batch, err := range r.Batches() {
		if err != nil {
			return fmt.Errorf("read %s: %w", t.Key, err)
		}
		for row := range batch.Rows {
			if b.key, err = to.append(b.key[:0], batch.Cols[0].Text[row]); err != nil {
				return fmt.Errorf("read %s: %w", t.Key, err)
			}
			b.value = binary.AppendVarint(b.value[:0], batch.Cols[1].Int[row])
			if err := w.add("peer", b.key, b.value); err != nil {
				return err
			}
		}
	}
	return w.finish()
}

// addressText turns the text of addresses into sorted keys; runs of the same text are parsed once.
type addressText struct {
	text  string
	addr  feature.Addr
	known bool
}

func (a *addressText) append(dst []byte, text string) ([]byte, error) {
	if !a.known || text != a.text {
		addr, err := feature.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		*a = addressText{text, addr, true}
	}
	return a.addr.AppendSorted(dst), nil
}
