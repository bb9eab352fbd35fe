package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
)

// newLogger makes the structured log of a command.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// logFlags adds the flags of the log, which all commands have.
func logFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("log-level", "", "least level of the log: debug, info, warn or error (default: as the command needs)")
	f.String("log-format", "text", "format of the log on stderr: text or json")
}

// commandLogger makes the log that the flags of a command ask for; level is that of the command itself.
func commandLogger(cmd *cobra.Command, w io.Writer, level slog.Level) (*slog.Logger, error) {
	flag := func(name string) string {
		if f := cmd.Flag(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	if text := flag("log-level"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return nil, usageError{fmt.Errorf("--log-level %s: want debug, info, warn or error", text)}
		}
	}
	switch format := flag("log-format"); format {
	case "", "text":
		return newLogger(w, level), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), nil
	default:
		return nil, usageError{fmt.Errorf("--log-format %s: want text or json", format)}
	}
}

func now() time.Time { return time.Now() }
