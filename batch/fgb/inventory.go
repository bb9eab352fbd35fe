package fgb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ndr/feature"
	"ndr/sinks"
)

// inventory is the names of machines by address: the union of the snapshots of the months up to the baselines', of
// which the newest wins. It is read once through, in address order.
type inventory struct {
	keys   []string // of the snapshots' objects, the newest month first
	digest string

	cursors []*nameCursor // after open, in the order of keys
}

// findInventory lists the snapshots that are complete.
func (j *Job) findInventory(ctx context.Context) (*inventory, error) {
	prefix, err := j.cfg.Layout.DataPrefix(feature.DatasetMachineInventory)
	if err != nil {
		return nil, err
	}
	keys, err := j.store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list machine inventory: %w", err)
	}
	type object struct{ month, key string }
	var objects []object
	complete := make(map[string]bool)
	for _, key := range keys {
		o, err := j.cfg.Layout.Parse(key)
		switch {
		case err != nil || o.Month > j.cfg.Month():
		case o.Kind == feature.KindSnapshotSuccess:
			complete[o.Month] = true
		default:
			objects = append(objects, object{o.Month, key})
		}
	}
	slices.SortStableFunc(objects, func(a, b object) int { return strings.Compare(b.month, a.month) })
	inv := &inventory{}
	h := sha256.New()
	for _, o := range objects {
		if !complete[o.month] {
			continue
		}
		inv.keys = append(inv.keys, o.key)
		info, err := j.store.Stat(ctx, o.key)
		if err != nil {
			return nil, fmt.Errorf("read machine inventory: %w", err)
		}
		fmt.Fprintln(h, o.key, info.Tag)
	}
	inv.digest = hex.EncodeToString(h.Sum(nil))
	if inv.empty() && j.cfg.RequireInventory {
		return nil, fmt.Errorf("read machine inventory: there is no snapshot up to %s below %s, and require_inventory is set", j.cfg.Month(), prefix)
	}
	return inv, nil
}

func (inv *inventory) empty() bool { return len(inv.keys) == 0 }

// open begins to read from the first address on. The inventory itself stays as it is.
func (inv *inventory) open(ctx context.Context, store sinks.Store, dir string) (*inventory, error) {
	opened := &inventory{keys: inv.keys, digest: inv.digest}
	for _, key := range inv.keys {
		o, err := sinks.Download(ctx, store, key, "", dir)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read machine inventory: %w", err), opened.close())
		}
		c := &nameCursor{object: o, row: -1}
		opened.cursors = append(opened.cursors, c)
		if c.reader, err = sinks.ReadTable(o, "ip_address", "machine_name"); err != nil {
			return nil, errors.Join(fmt.Errorf("read machine inventory %s: %w", key, err), opened.close())
		}
	}
	return opened, nil
}

func (inv *inventory) close() error {
	var errs []error
	for _, c := range inv.cursors {
		errs = append(errs, c.object.Close())
	}
	inv.cursors = nil
	return errors.Join(errs...)
}

// name returns the name of a host. Hosts are asked for in address order.
func (inv *inventory) name(host feature.Addr) (name string, ok bool, err error) {
	for i, c := range inv.cursors {
		there, err := c.seek(host)
		if err != nil {
			return "", false, fmt.Errorf("read machine inventory %s: %w", inv.keys[i], err)
		}
		if there && !ok {
			name, ok = c.name, true
		}
	}
	return name, ok, nil
}

// nameCursor steps through one object of the inventory.
type nameCursor struct {
	object sinks.Object
	reader *sinks.TableReader
	batch  *feature.Batch
	row    int
	ended  bool
	addr   feature.Addr
	name   string
}

// seek goes to the first address that is not before host, and reports whether it is the host's.
func (c *nameCursor) seek(host feature.Addr) (bool, error) {
	for !c.ended && (c.batch == nil || c.addr.Compare(host) < 0) {
		if c.row++; c.batch == nil || c.row >= c.batch.Rows {
			b, err := c.reader.Next()
			if err == io.EOF {
				c.ended = true
				break
			}
			if err != nil {
				return false, err
			}
			c.batch, c.row = b, 0
		}
		var err error
		if c.addr, err = feature.ParseAddr(c.batch.Cols[0].Text[c.row]); err != nil {
			return false, err
		}
		c.name = c.batch.Cols[1].Text[c.row]
	}
	return !c.ended && c.addr == host, nil
}
