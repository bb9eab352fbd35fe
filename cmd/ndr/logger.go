package main

import (
	"io"
	"log/slog"
	"time"
)

// newLogger makes the structured log of a command.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

func now() time.Time { return time.Now() }
