package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ndr/feature"
	"ndr/stream"
)

// cutDocument is what inspect cut prints.
type cutDocument struct {
	Schema    int               `json:"schema"`
	Key       string            `json:"key"`
	Header    *stream.CutHeader `json:"header"`
	Watermark string            `json:"watermark"` // as text
	Slices    []string          `json:"slices"`    // those that it touches
	Shards    []cutShard        `json:"shards"`
	Conserved string            `json:"conserved"` // ok, or what does not add up
	Rows      []cutRow          `json:"rows,omitempty"`
}

// cutShard counts the rows of a section.
type cutShard struct {
	Shard   int   `json:"shard"`
	Bytes   int64 `json:"bytes"`
	Hosts   int   `json:"hosts"`
	Pairs   int   `json:"pairs"`
	Late    int   `json:"late"`
	Rejects int   `json:"rejects"`
}

// cutRow is a row of a section; which fields it has depends on its kind.
type cutRow struct {
	Schema   int    `json:"schema,omitempty"` // in JSONL
	Kind     string `json:"kind"`             // host, pair, late or reject
	Shard    int    `json:"shard"`
	Slice    string `json:"slice,omitempty"`
	Host     string `json:"host_ip,omitempty"`
	Role     string `json:"role,omitempty"`
	Peer     string `json:"peer_ip,omitempty"`
	Port     *int   `json:"peer_port,omitempty"`
	Sessions int64  `json:"sessions_cnt,omitempty"`
	BytesSrc int64  `json:"bytes_src_sum,omitempty"`
	BytesDst int64  `json:"bytes_dst_sum,omitempty"`
	Position *int64 `json:"position,omitempty"`
	Item     int    `json:"item,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Raw      []byte `json:"raw,omitempty"`
}

func inspectCutCommand(io stdio) *cobra.Command {
	var f inspectFlags
	var rows, shard int
	c := &cobra.Command{
		Use:   "cut KEY|PATH|SOURCE/PARTITION/NUMBER",
		Short: "Show a cut: its positions, watermark, counters and rows by shard",
		Long: `Cut shows what the ingest stage wrote for the records of a partition between two positions: the header, the number
of rows for every shard, and whether every record is accounted for. With --rows it also shows the first rows of each
kind. With --root or --config the source, the partition and the number are enough.`,
		Example: `  ndr inspect cut --root s3://features flows/0/17
  ndr inspect cut --root file://$PWD/out file/0/1 --rows 5
  ndr inspect cut --root file://$PWD/out file/0/1 --rows 1000 --output jsonl | jq 'select(.kind == "reject")'`,
	}
	c.Flags().IntVar(&rows, "rows", 0, "show so many rows of each kind and shard")
	c.Flags().IntVar(&shard, "shard", -1, "rows of this shard only (default: of all)")
	return f.objectCommand(c, func(ctx context.Context, v *rootView, key string) error {
		key, err := v.named(key, cutNamed)
		if err != nil {
			return err
		}
		d, err := readCut(ctx, v, key, shard, rows)
		if err != nil {
			return err
		}
		var lines []any
		for _, r := range d.Rows {
			r.Schema = outputSchema
			lines = append(lines, r)
		}
		return f.print(io.out, report{document: d, lines: lines, table: d.table})
	})
}

// cutNamed is the cut of a source, a partition and a number.
func cutNamed(parts []string) (feature.Object, bool) {
	if len(parts) != 3 {
		return feature.Object{}, false
	}
	n, err := strconv.ParseUint(parts[2], 10, 64)
	return feature.CutObject(parts[0], parts[1], n), err == nil
}

func readCut(ctx context.Context, v *rootView, key string, shard, rows int) (*cutDocument, error) {
	cut, err := stream.OpenCut(ctx, v.store, key)
	if err != nil {
		return nil, err
	}
	h := &cut.Header
	if shard >= len(h.Sections) {
		return nil, usageError{fmt.Errorf("--shard %d: the cut has %d shards", shard, len(h.Sections))}
	}
	d := &cutDocument{Schema: outputSchema, Key: key, Header: h, Watermark: moment(h.Watermark), Slices: []string{}, Conserved: "ok"}
	for _, s := range h.Touched {
		d.Slices = append(d.Slices, v.clock.Name(s))
	}
	if err := h.Counters.Check(); err != nil {
		d.Conserved = err.Error()
	}
	for i := range h.Sections {
		if shard >= 0 && i != shard {
			continue
		}
		s, err := cut.ReadSection(ctx, v.store, i)
		if err != nil {
			return nil, err
		}
		d.Shards = append(d.Shards, cutShard{i, h.Sections[i].Length, len(s.Hosts), len(s.Pairs), len(s.Late), len(s.Rejects)})
		d.Rows = appendCutRows(d.Rows, v.clock, i, &s, rows)
	}
	return d, nil
}

// appendCutRows appends the first n rows of each kind of a section.
func appendCutRows(list []cutRow, c feature.Clock, shard int, s *feature.Section, n int) []cutRow {
	host := func(kind string, r *feature.HostRow) cutRow {
		sum := &r.Counters.Sum
		return cutRow{Kind: kind, Shard: shard, Slice: c.Name(r.Slice), Host: r.Host.String(), Role: r.Role.String(),
			Sessions: sum[feature.Sessions], BytesSrc: sum[feature.BytesSrc], BytesDst: sum[feature.BytesDst]}
	}
	for i := range s.Hosts[:min(n, len(s.Hosts))] {
		list = append(list, host("host", &s.Hosts[i]))
	}
	for _, r := range s.Pairs[:min(n, len(s.Pairs))] {
		port := int(r.Port)
		list = append(list, cutRow{Kind: "pair", Shard: shard, Slice: c.Name(r.Slice), Host: r.Host.String(), Role: r.Role.String(),
			Peer: r.Peer.String(), Port: &port, Sessions: r.Counters.Sessions, BytesSrc: r.Counters.BytesSrc, BytesDst: r.Counters.BytesDst})
	}
	for i := range s.Late[:min(n, len(s.Late))] {
		list = append(list, host("late", &s.Late[i]))
	}
	for _, r := range s.Rejects[:min(n, len(s.Rejects))] {
		list = append(list, cutRow{Kind: "reject", Shard: shard, Position: &r.Position, Item: r.Item, Reason: r.Reason, Detail: r.Detail, Raw: r.Raw})
	}
	return list
}

func (d *cutDocument) table(w io.Writer) {
	h := d.Header
	fmt.Fprintf(w, "cut\t%s\nsource\t%s\npartition\t%s\nnumber\t%d\npositions\t%d to %d\n", d.Key, h.Source, h.Partition, h.N, h.From, h.To)
	fmt.Fprintf(w, "cause\t%s\nwatermark\t%s\nlargest event time\t%s\n", h.Cause, d.Watermark, moment(h.MaxEvent))
	fmt.Fprintf(w, "slices\t%s\n", listOr(d.Slices, "none"))
	if h.Idle {
		fmt.Fprintf(w, "idle\tyes\n")
	}
	fmt.Fprintf(w, "configuration\t%s\ncontent\t%s\nwriter\t%s\nformat\t%d\n", h.ConfigDigest, h.ContentDigest, h.Writer, h.Format)
	printCounters(w, &h.Counters)
	fmt.Fprintf(w, "conserved\t%s\n", d.Conserved)
	fmt.Fprintf(w, "\nshard\thosts\tpairs\tlate\trejects\tbytes\n")
	for _, s := range d.Shards {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\n", s.Shard, s.Hosts, s.Pairs, s.Late, s.Rejects, s.Bytes)
	}
	if h.Carry.Length > 0 {
		fmt.Fprintf(w, "carry\t\t\t\t\t%d\n", h.Carry.Length)
	}
	for i, r := range d.Rows {
		if i == 0 || r.Kind != d.Rows[i-1].Kind || r.Shard != d.Rows[i-1].Shard {
			fmt.Fprintf(w, "\n%s rows of shard %d\n", r.Kind, r.Shard)
		}
		r.print(w)
	}
}

func (r *cutRow) print(w io.Writer) {
	switch r.Kind {
	case "reject":
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", *r.Position, r.Reason, clip(r.Detail, 80), clip(string(r.Raw), 80))
	case "pair":
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d sessions\t%d/%d bytes\n", r.Slice, r.Host, r.Role, r.Peer, *r.Port, r.Sessions, r.BytesSrc, r.BytesDst)
	default:
		fmt.Fprintf(w, "%s\t%s\t%s\t%d sessions\t%d/%d bytes\n", r.Slice, r.Host, r.Role, r.Sessions, r.BytesSrc, r.BytesDst)
	}
}

// printCounters prints the counters of a cut that are not zero.
func printCounters(w io.Writer, c *stream.Counters) {
	fmt.Fprintf(w, "\nrecords\t%d\n", c.Records)
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"undecodable", c.Undecodable}, {"items", c.Items}, {"accepted", c.Accepted}, {"late", c.Late}, {"halves carried in", c.CarryIn},
		{"halves paired", c.Absorbed}, {"halves unpaired", c.Unpaired}, {"halves carried out", c.CarryOut}, {"carry overflow", c.Overflow},
	} {
		if n.value > 0 {
			fmt.Fprintf(w, "  %s\t%d\n", n.name, n.value)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Filtered)) {
		fmt.Fprintf(w, "  filtered: %s\t%d\n", reason, c.Filtered[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Rejected)) {
		fmt.Fprintf(w, "  rejected: %s\t%d\n", reason, c.Rejected[reason])
	}
}

// listOr writes a list, of long ones the ends.
func listOr(list []string, none string) string {
	const most = 6
	switch n := len(list); {
	case n == 0:
		return none
	case n > most:
		return strings.Join(list[:most/2], " ") + " ... " + strings.Join(list[n-most/2:], " ") + " (" + strconv.Itoa(n) + ")"
	}
	return strings.Join(list, " ")
}
