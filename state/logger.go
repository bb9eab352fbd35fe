package state

import (
	"fmt"
	"log/slog"
)

// pebbleLogger is Pebble's log. Pebble calls Fatalf, from any goroutine, when it cannot keep its promises.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(msg string)
}

// Infof writes Pebble's chatter at level debug.
func (l pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug("pebble", "msg", lazyText{format, args})
}

// Errorf writes an error that Pebble handled itself.
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "err", fmt.Sprintf(format, args...))
}

// Fatalf writes the error and hands it to the function that ends the process.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	l.log.Error("pebble cannot go on", "err", msg)
	l.fatal(msg)
}

// lazyText is formatted only if the level is on.
type lazyText struct {
	format string
	args   []any
}

// LogValue formats the text.
func (t lazyText) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf(t.format, t.args...)) }
