package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ndr/stream"
)

// outputSchema is the version of the JSON that commands print. Documents and lines only grow within it.
const outputSchema = 1

// Forms of --output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputJSONL = "jsonl"
)

// output is the form in which a command prints data.
type output struct{ form string }

func (o *output) flag(c *cobra.Command) {
	c.Flags().StringVarP(&o.form, "output", "o", outputTable, "form of the output: table, json or jsonl")
}

func (o *output) check() error {
	switch o.form {
	case outputTable, outputJSON, outputJSONL:
		return nil
	}
	return usageError{fmt.Errorf("--output %s: want table, json or jsonl", o.form)}
}

// report is what a command has found out, in the forms in which it can be printed.
type report struct {
	document any               // one value with "schema"; it is also the only line where lines is nil
	lines    []any             // of JSONL, each with "schema"
	table    func(w io.Writer) // for people; cells end in tabs
	plain    bool              // the table has no cells: tabs are text
}

// print writes the report to w. Errors of writing come back once.
func (o *output) print(w io.Writer, r report) error {
	switch o.form {
	case outputJSON:
		b, err := json.MarshalIndent(r.document, "", "  ")
		if err != nil {
			return fmt.Errorf("encode output: %w", err)
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case outputJSONL:
		lines := r.lines
		if lines == nil {
			lines = []any{r.document}
		}
		e := json.NewEncoder(w)
		for _, l := range lines {
			if err := e.Encode(l); err != nil {
				return fmt.Errorf("encode output: %w", err)
			}
		}
		return nil
	}
	if r.plain {
		b := bufio.NewWriter(w)
		r.table(b)
		return b.Flush()
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	r.table(t)
	return t.Flush()
}

// printEncoded prints a document that is JSON already.
func (o *output) printEncoded(w io.Writer, document []byte) error {
	if o.form == outputJSONL {
		var b bytes.Buffer
		if err := json.Compact(&b, document); err != nil {
			return fmt.Errorf("encode output: %w", err)
		}
		document = append(b.Bytes(), '\n')
	}
	_, err := w.Write(document)
	return err
}

// moment writes a time in nanoseconds, to the second where it is whole.
func moment(nanos int64) string {
	switch nanos {
	case stream.NoWatermark:
		return "none yet"
	case stream.EndOfInput:
		return "end of input"
	}
	return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano)
}

// size writes a number of bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		bytes float64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if v := float64(n) / u.bytes; v >= 1 {
			return fmt.Sprintf("%.1f %s", math.Floor(v*10)/10, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
