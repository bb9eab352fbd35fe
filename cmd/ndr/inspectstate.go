package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/state"
)

// stateDocument is what inspect state prints of one store or checkpoint.
type stateDocument struct {
	Schema     int                    `json:"schema"`
	Where      string                 `json:"where"` // folder, or key of the checkpoint
	LastClosed string                 `json:"last_closed,omitempty"`
	FirstKnown string                 `json:"first_known,omitempty"`
	Meta       state.Meta             `json:"meta"`
	Bytes      int64                  `json:"bytes"`
	Files      []state.CheckpointFile `json:"files"` // without digests in a folder
}

// checkpointsDocument is what inspect state prints of a shard.
type checkpointsDocument struct {
	Schema      int             `json:"schema"`
	Shard       int             `json:"shard"`
	Checkpoints []stateDocument `json:"checkpoints"` // oldest first
}

type stateFlags struct {
	inspectFlags
	checkpoint string
	shard      int
}

func inspectStateCommand(io stdio) *cobra.Command {
	f := stateFlags{}
	c := &cobra.Command{
		Use:   "state [DIR]",
		Short: "Show what a shard remembers: of a local store, a checkpoint, or all checkpoints of a shard",
		Long: `State shows the last closed slice, how far every partition is folded, and the files and their sizes. DIR is the
folder of a shard or of its store, which no process may use meanwhile; it is opened read-only. With --root or --config
it lists the checkpoints of a shard; --checkpoint shows one of them.`,
		Example: `  ndr inspect state /var/lib/ndr/shard-0
  ndr inspect state --root s3://features --shard 3
  ndr inspect state --root s3://features --shard 3 --checkpoint 20261123T1045Z`,
		Args: wantArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd.Context(), io, args)
		},
	}
	f.rootFlags.flags(c)
	f.output.flag(c)
	c.Flags().StringVar(&f.checkpoint, "checkpoint", "", "show this checkpoint: key, path, or slice with --shard")
	c.Flags().IntVar(&f.shard, "shard", -1, "shard whose checkpoints are listed")
	return c
}

// run does one of the three things that the flags ask for.
func (f *stateFlags) run(ctx context.Context, io stdio, args []string) error {
	var d any
	var r report
	switch {
	case len(args) == 1 && (f.checkpoint != "" || f.shard >= 0):
		return usageError{errors.New("inspect state: want DIR, or --checkpoint, or --shard with --root")}
	case len(args) == 1:
		one, err := f.local(args[0])
		if err != nil {
			return err
		}
		d, r.table = one, one.table
	case f.checkpoint != "":
		one, err := f.one(ctx)
		if err != nil {
			return err
		}
		d, r.table = one, one.table
	case f.shard >= 0:
		all, err := f.all(ctx)
		if err != nil {
			return err
		}
		r.lines = []any{}
		for _, c := range all.Checkpoints {
			r.lines = append(r.lines, c)
		}
		d, r.table = all, all.table
	default:
		return usageError{errors.New("inspect state: which? DIR, --checkpoint KEY, or --shard N with --root")}
	}
	r.document = d
	return f.print(io.out, r)
}

// local reads a store on this machine.
func (f *stateFlags) local(dir string) (*stateDocument, error) {
	v, err := f.view() // for the clock
	if err != nil {
		return nil, err
	}
	if below := filepath.Join(dir, "store"); fileExists(below) {
		dir = below
	}
	m, err := state.ReadMeta(state.Config{Dir: dir, Clock: v.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	d := newStateDocument(v.clock, dir, m)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list files of the state: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || e.IsDir() {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list files of the state: %w", err)
		}
		d.add(state.CheckpointFile{Name: e.Name(), Size: info.Size()})
	}
	return d, nil
}

// one reads the checkpoint that --checkpoint names.
func (f *stateFlags) one(ctx context.Context) (*stateDocument, error) {
	v, key, err := f.find(ctx, f.checkpoint)
	if err != nil {
		return nil, err
	}
	key, err = v.named(key, func(parts []string) (feature.Object, bool) {
		slice, err := v.sliceOf(parts[0])
		return feature.CheckpointObject(f.shard, v.clock.Name(slice)), err == nil && len(parts) == 1 && f.shard >= 0
	})
	if err != nil {
		return nil, err
	}
	return readCheckpoint(ctx, v, key)
}

// all reads the checkpoints of a shard.
func (f *stateFlags) all(ctx context.Context) (*checkpointsDocument, error) {
	v, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	prefix, err := v.layout.CheckpointsPrefix(f.shard)
	if err != nil {
		return nil, usageError{err}
	}
	keys, err := v.store.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	d := &checkpointsDocument{Schema: outputSchema, Shard: f.shard, Checkpoints: []stateDocument{}}
	for _, key := range keys {
		one, err := readCheckpoint(ctx, v, key)
		if errors.Is(err, fs.ErrNotExist) { // collected meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		d.Checkpoints = append(d.Checkpoints, *one)
	}
	return d, nil
}

func readCheckpoint(ctx context.Context, v *rootView, key string) (*stateDocument, error) {
	b, err := v.get(ctx, key)
	if err != nil {
		return nil, err
	}
	m, err := state.ParseCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	d := newStateDocument(v.clock, key, m.Meta)
	for _, file := range m.Files {
		d.add(file)
	}
	return d, nil
}

func newStateDocument(c feature.Clock, where string, m state.Meta) *stateDocument {
	d := &stateDocument{Schema: outputSchema, Where: where, Meta: m, Files: []state.CheckpointFile{}}
	if m.HasClosed {
		d.LastClosed = c.Name(m.LastClosed)
	}
	if m.HasFirst {
		d.FirstKnown = moment(m.FirstKnown)
	}
	return d
}

func (d *stateDocument) add(f state.CheckpointFile) {
	d.Files = append(d.Files, f)
	d.Bytes += f.Size
}

func (d *stateDocument) table(w io.Writer) {
	fmt.Fprintf(w, "state\t%s\nformat\t%d\nlogic version\t%s\n", d.Where, d.Meta.FormatVersion, d.Meta.LogicVersion)
	fmt.Fprintf(w, "last closed\t%s\nknown since\t%s\n", textOr(d.LastClosed, "none yet"), textOr(d.FirstKnown, "nothing known yet"))
	if n := len(d.Meta.BootDays); n > 0 {
		day := func(i int) string {
			return time.Unix(int64(d.Meta.BootDays[i])*24*60*60, 0).UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(w, "days from lookback30d\t%d, %s to %s\n", n, day(0), day(n-1))
	}
	fmt.Fprintf(w, "\npartition\tlast cut\twatermark\n")
	for _, p := range slices.Sorted(maps.Keys(d.Meta.Partitions)) {
		m := d.Meta.Partitions[p]
		fmt.Fprintf(w, "%s\t%d\t%s\n", p, m.Last, moment(m.Watermark))
	}
	fmt.Fprintf(w, "\nfile\tbytes\n")
	for _, f := range d.Files {
		fmt.Fprintf(w, "%s\t%d\n", f.Name, f.Size)
	}
	fmt.Fprintf(w, "%s\t%d\n", plural(len(d.Files), "file"), d.Bytes)
}

func (d *checkpointsDocument) table(w io.Writer) {
	if len(d.Checkpoints) == 0 {
		fmt.Fprintf(w, "shard %d has no checkpoint\n", d.Shard)
		return
	}
	fmt.Fprintf(w, "last closed\tlogic version\tpartitions\tfiles\tbytes\tkey\n")
	for _, c := range d.Checkpoints {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", c.LastClosed, c.Meta.LogicVersion, len(c.Meta.Partitions), len(c.Files), c.Bytes, c.Where)
	}
}

func textOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
