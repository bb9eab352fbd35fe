package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"ndr/configs"
	"ndr/stream"
)

// Exit codes. 2 is a Go panic.
const (
	exitDone        = 0
	exitFailed      = 1
	exitPart        = 3
	exitUsage       = 64
	exitTemporary   = 75
	exitNotAllowed  = 77
	exitConfig      = 78
	exitInterrupted = 130
)

// stdio is where a command reads and prints: data on out, everything else on err.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// usageError is a wrong command line.
type usageError struct{ error }

// partError means that the command did what it could and lists the rest.
type partError struct{ error }

func (e usageError) Unwrap() error { return e.error }
func (e partError) Unwrap() error  { return e.error }

// exitCode is the exit code of an error.
func exitCode(ctx context.Context, err error) int {
	var faults configs.Faults
	var usage usageError
	var part partError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &faults), errors.Is(err, stream.ErrRefused):
		return exitConfig
	case errors.As(err, &part):
		return exitPart
	case errors.Is(err, fs.ErrPermission):
		return exitNotAllowed
	case errors.Is(err, context.DeadlineExceeded):
		return exitTemporary
	case errors.Is(err, context.Canceled) || ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, io stdio) int {
	cmd := newCommand(io)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	if err != nil {
		fmt.Fprintln(io.err, "ndr:", err)
		if code == exitUsage {
			fmt.Fprintln(io.err, "try: ndr help")
		}
	}
	return code
}

// terminal reports whether w is a terminal: only then are there moving progress lines.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
