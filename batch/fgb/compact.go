package fgb

import (
	"context"
	"math"
)

// maxChunks is how many chunks a group may have when it is worked on: merging reads all of them at a time.
const maxChunks = 64

// allColumns lists the columns of the spill.
func allColumns() []int {
	all := make([]int, numColumns)
	for i := range all {
		all[i] = i
	}
	return all
}

// compact merges the chunks of a group until there are at most maxChunks. Only the groups of large segments have so
// many: each run that memory allows holds few slices of them.
func (s *spill) compact(ctx context.Context, chunks []chunk, memory int64) ([]chunk, error) {
	for len(chunks) > maxChunks {
		var next []chunk
		for from := 0; from < len(chunks); from += maxChunks {
			part := chunks[from:min(len(chunks), from+maxChunks)]
			if len(part) == 1 {
				next = append(next, part[0])
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			c, err := s.mergeChunks(part, memory)
			if err != nil {
				return nil, err
			}
			next = append(next, c)
		}
		chunks = next
	}
	return chunks, nil
}

// mergeChunks makes one chunk of several of the same group.
func (s *spill) mergeChunks(chunks []chunk, memory int64) (chunk, error) {
	c := chunk{group: chunks[0].group}
	var widths [numColumns]byte
	var constant [numColumns]float64
	for i := range chunks {
		var r chunkReader
		if err := r.open(s.file, chunks[i], 0); err != nil {
			return c, err
		}
		c.rows += r.chunk.rows
		for m, w := range r.widths {
			switch {
			case i == 0:
				widths[m], constant[m] = w, r.constant[m]
			case widths[m] == 0 && w == 0 && same(constant[m], r.constant[m]):
			default:
				widths[m] = max(widthBeside(widths[m], constant[m]), widthBeside(w, r.constant[m]))
			}
		}
	}
	var rows hostRows
	for count := newHostMerge(s.file, chunks, nil, blockBytes); ; c.hosts++ {
		ok, err := count.nextHost(&rows)
		if err != nil {
			return c, err
		}
		if !ok {
			break
		}
		if c.hosts == 0 {
			c.first = rows.host
		}
	}
	w, err := newChunkWriter(s, c, widths, constant, int(min(256<<10, memory/8/int64(numColumns))))
	if err != nil {
		return c, err
	}
	for m := newHostMerge(s.file, chunks, allColumns(), max(blockBytes, memory/4/int64(len(chunks)))); ; {
		ok, err := m.nextHost(&rows)
		if err != nil {
			return c, err
		}
		if !ok {
			return w.finish()
		}
		k := rows.key(c.group)
		if err := w.add(rows.host, &k.cols, k.rows); err != nil {
			return c, err
		}
	}
}

func same(a, b float64) bool { return a == b || a != a && b != b }

// widthBeside is the width that a column of a chunk takes beside other values; that of a constant is that of its
// value.
func widthBeside(w byte, constant float64) byte {
	switch x := constant; {
	case w > 0:
		return w
	case x != x:
		return 1
	case x >= 0 && x < math.MaxUint32 && x == math.Trunc(x):
		return valueWidth(int64(x))
	}
	return 8
}

// blockBytes is what a cursor holds of a chunk where many are open.
const blockBytes = 32 << 10

// byGroup collects the chunks of each group.
func (s *spill) byGroup() map[groupID][]chunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := make(map[groupID][]chunk)
	for _, c := range s.mu.chunks {
		groups[c.group] = append(groups[c.group], c)
	}
	return groups
}
