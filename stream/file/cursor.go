package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"ndr/flow"
	"ndr/stream"
)

// line is one line of an input with what the merge and the spread need of it.
type line struct {
	text   []byte // owned by the cursor, valid until it reads on
	number int64  // from 1
	origin *stream.Origin
	fault  *flow.UndecodableError
	flow   bool // it holds a flow: low and high are the ends of the first one
	low    flow.Addr
	high   flow.Addr
}

// cursor reads one input line by line. Its decoder is only asked for times and addresses; the records are decoded
// again by whoever reads the stream.
type cursor struct {
	cfg     *Config
	number  int
	in      Input
	time    int64 // of the next flow; the smallest int64 when the file has none
	pending bool  // line holds the next flow, not yet returned
	line    line

	decoder flow.Decoder
	origin  *stream.Origin
	file    *watched
	lines   *flow.LineReader
	spoiled error // the file's first bytes promise a compression that is not there
	broken  bool  // the file ended with an error, which was returned as a line

	// of the line being decoded
	timed bool
	event int64
	emit  func(*flow.Item)
}

// watched remembers that the file itself could not be read. Reading it again gives other lines then, and so other
// positions: unlike a file with broken content it must stop the partition.
type watched struct {
	io.ReadCloser
	err error
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func newCursor(cfg *Config, number int) (*cursor, error) {
	c := &cursor{cfg: cfg, number: number, in: cfg.Inputs[number]}
	c.emit = c.see
	return c, c.rewind()
}

// rewind closes the file; the next read begins at its first line. The time of the next flow stays.
func (c *cursor) rewind() error {
	c.close()
	d, err := c.cfg.NewDecoder()
	if err != nil {
		return fmt.Errorf("make decoder of %s: %w", c.in.Name, err)
	}
	c.decoder, c.broken, c.spoiled = d, false, nil
	c.origin = &stream.Origin{Name: c.in.Name}
	c.line = line{text: c.line.text[:0]}
	if !c.timed {
		c.time = math.MinInt64
	}
	return nil
}

func (c *cursor) close() {
	if c.lines != nil {
		c.lines.Close()
	}
	if c.file != nil {
		c.file.Close()
	}
	c.file, c.lines = nil, nil
}

// read takes the next line and reports whether it holds a flow. The context is that of opening and reading the file,
// so it must live as long as the file is open.
func (c *cursor) read(ctx context.Context) (timed bool, err error) {
	if c.file == nil {
		if err := c.open(ctx); err != nil {
			return false, err
		}
	}
	if c.broken {
		return false, io.EOF
	}
	text, err := []byte(nil), c.spoiled
	if c.lines != nil {
		text, err = c.lines.Next()
	}
	switch {
	case c.file.err != nil:
		return false, fmt.Errorf("read input %s: %w", c.in.Name, c.file.err)
	case err == io.EOF:
		return false, io.EOF
	}
	c.line.number++
	c.line.origin, c.line.fault, c.line.flow = c.origin, nil, false
	c.line.text = append(c.line.text[:0], text...)
	if err != nil {
		c.fault(err)
		return false, nil
	}
	c.timed = false
	if err := c.decoder.Decode(c.line.text, c.emit); err == nil && !c.timed {
		c.headerChanged()
	}
	if c.timed {
		c.time = c.event
	}
	return c.timed, nil
}

func (c *cursor) open(ctx context.Context) error {
	f, err := c.in.Open(ctx)
	if err != nil {
		return fmt.Errorf("open input %s: %w", c.in.Name, err)
	}
	c.file, c.line.number = &watched{ReadCloser: f}, 0
	c.lines, c.spoiled = flow.NewLineReader(c.file, c.cfg.MaxLine)
	return nil
}

// fault makes the line a record that cannot be decoded. After anything but a line that was too long the file
// cannot be read on.
func (c *cursor) fault(err error) {
	if !errors.As(err, &c.line.fault) {
		c.broken = true
		c.line.fault = &flow.UndecodableError{Reason: flow.ReasonMalformed, Detail: err.Error()}
	}
}

// headerChanged makes a new origin when the line changed what later lines mean.
func (c *cursor) headerChanged() {
	if s := c.decoder.State(); !bytes.Equal(s, c.origin.State) {
		c.origin = &stream.Origin{Name: c.in.Name, State: bytes.Clone(s)}
	}
}

// see notes time and ends of the first flow of a line; the earliest time counts.
func (c *cursor) see(it *flow.Item) {
	if it.Verdict != flow.Accepted {
		return
	}
	event := it.Record.End
	if c.cfg.EventByStart {
		event = it.Record.Start
	}
	if !c.timed {
		c.timed, c.event = true, event
		c.line.flow = true
		a, b := it.Record.SourceIP, it.Record.DestinationIP
		if b.Hi < a.Hi || b.Hi == a.Hi && b.Lo < a.Lo {
			a, b = b, a
		}
		c.line.low, c.line.high = a, b
	}
	c.event = min(c.event, event)
}
