package stream

import (
	"context"
	"errors"

	"ndr/flow"
)

// Record is one record of a source partition. Its bytes are valid until the Reader's next Poll.
type Record struct {
	Position   int64 // the position of the record; the next record's is larger (Kafka: not always by one)
	Time       int64 // record time, nanoseconds since the Unix epoch; valid with TimeKnown
	TimeKnown  bool  // false for files
	AppendTime bool  // the broker stamped Time itself (LogAppendTime)
	Value      []byte
	Origin     *Origin // where a file's record comes from; nil for Kafka
	Line       int64   // line in the origin, from 1
	// Fault says that the record could not be read whole (a line over the limit, a broken gzip file): it is
	// undecodable, and Value holds what there is of it.
	Fault *flow.UndecodableError
}

// Origin is a file that records come from, with the decoder state (its header) in force for them. A source makes
// a new Origin whenever the state changes, so that a pointer stands for one state.
type Origin struct {
	Name  string
	State []byte
}

// Reader reads one assigned partition. It belongs to one goroutine.
type Reader interface {
	// Poll returns the next records in order. It blocks until there is one, until ctx ends (ctx.Err), or until
	// the input has ended for good (io.EOF). Any other error is final for the partition.
	Poll(ctx context.Context) ([]Record, error)
	// AtEnd asks the log now whether Poll has returned everything up to its end. A bounded input is never
	// asked: it ends with io.EOF.
	AtEnd(ctx context.Context) (bool, error)
	// Behind is how many records the log held after the last one returned, at the last fetch; false if unknown.
	Behind() (int64, bool)
}

// ErrReread is returned by Consume when the partition must be read again from Position: another owner's cut was
// adopted that ends before what has been read.
var ErrReread = errors.New("read the partition again")

// Description is what a source says of itself when it is first seen.
type Description struct {
	ID         string   // topic id; for files a digest of names, sizes and contents
	Partitions []string // in a stable order
	// Earliest is the first position of each partition that still exists, same order.
	Earliest []int64
	Inputs   []string // files: name, size and digest of each, for the topology entry
}

// Source hands out partitions.
type Source interface {
	Describe(ctx context.Context) (Description, error)
	// Run takes part in the distribution of partitions until ctx ends or, for bounded sources, until all are
	// read. For each partition it is given it calls Position, then Consume in a goroutine of its own, whose
	// context ends when the partition is taken away; it waits for every Consume before it lets a partition go.
	// A Consume that returns ErrReread is called again, after Position; any other error ends Run with it.
	Run(ctx context.Context, c Consumer) error
}

// Consumer is the ingest stage as sources see it.
type Consumer interface {
	// Position returns where to start reading the partition. Records below it that a Reader returns all the
	// same are skipped by the consumer.
	Position(ctx context.Context, partition string) (int64, error)
	// Consume reads the partition to its end, to the end of ctx or to an error. It returns nil at the end of a
	// bounded input and when ctx ended and the last cut is written or given up.
	Consume(ctx context.Context, partition string, r Reader) error
	// Committed tells the position up to which cuts exist, for lag tools. It is mirrored, never trusted.
	Committed(partition string) (int64, bool)
}
