package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"ndr/feature"
)

func TestSliceOf(t *testing.T) {
	v := rootView{clock: feature.Clock{Offset: 8 * time.Minute}}
	for text, want := range map[string]string{
		"20260105T1008Z":            "20260105T1008Z", // the name of a slice
		"20260105T1015Z":            "20260105T1008Z", // a time within one
		"2026-01-05T10:07:59Z":      "20260105T0953Z",
		"2026-01-05T10:08Z":         "20260105T1008Z",
		"2026-01-05T11:08+01:00":    "20260105T1008Z",
		"2026-01-05 10:22:59":       "20260105T1008Z",
		"2026-01-05 10:23":          "20260105T1023Z",
		"1969-12-31T23:59:59.9999Z": "19691231T2353Z",
	} {
		s, err := v.sliceOf(text)
		if err != nil || v.clock.Name(s) != want {
			t.Errorf("%s: got %s, %v, want %s", text, v.clock.Name(s), err, want)
		}
	}
	for _, text := range []string{"", "now", "2026-01-05", "10:00"} {
		if s, err := v.sliceOf(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, s)
		}
	}
}

func TestCommandLogger(t *testing.T) {
	for _, c := range []struct {
		args  []string
		lines int // of debug, info and warn
		json  bool
		fails bool
	}{
		{nil, 2, false, false},
		{[]string{"--log-level", "warn"}, 1, false, false},
		{[]string{"--log-level", "DEBUG", "--log-format", "json"}, 3, true, false},
		{[]string{"--log-level", "loud"}, 0, false, true},
		{[]string{"--log-format", "xml"}, 0, false, true},
	} {
		var out strings.Builder
		var failed error
		root := &cobra.Command{Use: "root", SilenceErrors: true, SilenceUsage: true}
		logFlags(root)
		root.AddCommand(&cobra.Command{Use: "sub", RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := commandLogger(cmd, &out, slog.LevelInfo)
			if failed = err; err == nil {
				log.Debug("one")
				log.Info("two")
				log.Warn("three")
			}
			return err
		}})
		root.SetArgs(append([]string{"sub"}, c.args...))
		_ = root.Execute() // failed has it
		if n := strings.Count(out.String(), "\n"); n != c.lines || strings.HasPrefix(out.String(), "{") != c.json || (failed != nil) != c.fails {
			t.Errorf("%v: %v, output:\n%s", c.args, failed, out.String())
		}
	}
}
