package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ndr/flow"
	"ndr/stream"
)

// Input is one file. Open may be called many times, also concurrently.
type Input struct {
	Name string // as people know it
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Config sets up the source.
type Config struct {
	Inputs       []Input
	Partitions   int  // the merged stream is spread over so many; at least 1
	EventByStart bool // event time is the start of a flow and not its end
	MaxLine      int  // bytes; 0 is the default of flow.NewLineReader
	NewDecoder   func() (flow.Decoder, error)
}

// Source reads the inputs of a Config. It implements stream.Source.
type Source struct{ cfg Config }

// New makes the source; Run starts it.
func New(cfg Config) *Source {
	cfg.Inputs = slices.Clone(cfg.Inputs)
	slices.SortFunc(cfg.Inputs, func(a, b Input) int { return strings.Compare(a.Name, b.Name) })
	cfg.Partitions = max(1, cfg.Partitions)
	return &Source{cfg}
}

// Describe reads every input once, to name it with size and digest. The id stands for all of them and for the
// number of partitions: another input, or another spread, is another stream.
func (s *Source) Describe(ctx context.Context) (stream.Description, error) {
	d := stream.Description{}
	all := sha256.New()
	fmt.Fprintf(all, "%d partitions\n", s.cfg.Partitions)
	for _, in := range s.cfg.Inputs {
		line, err := describe(ctx, in)
		if err != nil {
			return d, err
		}
		fmt.Fprintln(all, line)
		d.Inputs = append(d.Inputs, line)
	}
	d.ID = "files:" + hex.EncodeToString(all.Sum(nil)[:16])
	for i := range s.cfg.Partitions {
		d.Partitions = append(d.Partitions, strconv.Itoa(i))
		d.Earliest = append(d.Earliest, 0)
	}
	return d, nil
}

func describe(ctx context.Context, in Input) (string, error) {
	f, err := in.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("open input %s: %w", in.Name, err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return "", fmt.Errorf("read input %s: %w", in.Name, err)
	}
	return fmt.Sprintf("%s (%d bytes, sha256 %x)", in.Name, n, sum.Sum(nil)[:8]), nil
}

// Run reads all partitions to their end, each in a goroutine.
func (s *Source) Run(ctx context.Context, c stream.Consumer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, s.cfg.Partitions)
	for i := range s.cfg.Partitions {
		go func() {
			err := s.consume(ctx, c, i)
			if err != nil {
				cancel()
			}
			errs <- err
		}()
	}
	var first error
	for range s.cfg.Partitions {
		if err := <-errs; err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}

func (s *Source) consume(ctx context.Context, c stream.Consumer, partition int) error {
	name := strconv.Itoa(partition)
	for {
		if _, err := c.Position(ctx, name); err != nil {
			return err
		}
		r := &reader{m: newMerge(ctx, &s.cfg), partition: partition, of: s.cfg.Partitions}
		err := c.Consume(ctx, name, r)
		r.m.close()
		if !errors.Is(err, stream.ErrReread) {
			return err
		}
	}
}
