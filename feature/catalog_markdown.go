package feature

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteCatalogMarkdown writes the catalog as a Markdown table with the columns of the feature catalog's table, one
// line per feature in the given order.
func WriteCatalogMarkdown(w io.Writer, entries []Entry) error {
	out := bufio.NewWriter(w)
	models := 0
	for _, e := range entries {
		if e.Catalog == ModelInput {
			models++
		}
	}
	fmt.Fprintf(out, "# Feature catalog\n\n%d features, %d of them model input. Generated from the code: do not edit.\n\n",
		len(entries), models)
	columns := catalogColumns()
	writeMarkdownRow(out, columns)
	writeMarkdownRow(out, slices.Repeat([]string{"---"}, len(columns)))
	for i := range entries {
		writeMarkdownRow(out, entries[i].cells())
	}
	if err := out.Flush(); err != nil { // holds the first error of all writes
		return fmt.Errorf("write catalog: %w", err)
	}
	return nil
}

func catalogColumns() (names []string) {
	for _, c := range FeatureCatalogTable().Columns {
		names = append(names, c.Name)
	}
	return names
}

func writeMarkdownRow(w *bufio.Writer, cells []string) {
	w.WriteByte('|')
	for _, c := range cells {
		fmt.Fprintf(w, " %s |", strings.ReplaceAll(c, "|", `\|`))
	}
	w.WriteByte('\n')
}

// CatalogCheck compares a written catalog with the entries and returns the differences, one line each: features
// missing, unknown or written twice, cells that differ, and lines out of order.
func CatalogCheck(markdown []byte, entries []Entry) (differences []string) {
	differ := func(format string, args ...any) {
		differences = append(differences, fmt.Sprintf(format, args...))
	}
	columns := catalogColumns()
	rows := readMarkdownRows(markdown)
	if len(rows) < 2 || !slices.Equal(rows[0], columns) {
		differ("no table with the columns %s", strings.Join(columns, ", "))
		return differences
	}
	rows = rows[2:]
	at := make(map[string]int, len(rows)) // by feature_id
	for i, row := range rows {
		if len(row) != len(columns) {
			differ("row %d: expected %d cells, found %d", i+1, len(columns), len(row))
		} else if _, twice := at[row[0]]; twice {
			differ("%s: written twice", row[0])
		} else {
			at[row[0]] = i
		}
	}
	last := -1
	for i := range entries {
		id := entries[i].ID
		row, ok := at[id]
		if !ok {
			differ("%s: missing", id)
			continue
		}
		delete(at, id)
		for c, want := range entries[i].cells() {
			if got := rows[row][c]; got != want {
				differ("%s: %s: expected %q, found %q", id, columns[c], want, got)
			}
		}
		if row < last {
			differ("%s: out of order", id)
		}
		last = max(last, row)
	}
	for _, row := range rows {
		if _, unknown := at[row[0]]; unknown {
			differ("%s: not in the code", row[0])
			delete(at, row[0])
		}
	}
	return differences
}

// readMarkdownRows returns the cells of every line that is a table row.
func readMarkdownRows(markdown []byte) (rows [][]string) {
	for line := range bytes.Lines(markdown) {
		text := strings.TrimSpace(string(line))
		if !strings.HasPrefix(text, "|") {
			continue
		}
		text = strings.ReplaceAll(strings.TrimSuffix(text[1:], "|"), `\|`, "\x00")
		cells := strings.Split(text, "|")
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(c), "\x00", "|")
		}
		rows = append(rows, cells)
	}
	return rows
}
