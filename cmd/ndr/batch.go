package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ndr/batch/fgb"
)

func batchCommand(io stdio) *cobra.Command {
	c := &cobra.Command{
		Use:     "batch",
		Short:   "Jobs over the published tables: the monthly baselines",
		Example: `  ndr batch fgb --config ndr.yaml --month 2026-11`,
	}
	makeGroup(c)
	c.AddCommand(fgbCommand(io))
	return c
}

// fgbFlags is the command line of batch fgb.
type fgbFlags struct {
	root      rootFlags
	out       output
	month     string
	reference string
	mode      string
	effective string
	part      string
	publish   bool
	accept    bool
	gaps      int
	dryRun    bool
	runID     string
	temp      string
}

func fgbCommand(io stdio) *cobra.Command {
	f := &fgbFlags{}
	c := &cobra.Command{
		Use:   "fgb",
		Short: "Compute the baselines of a month and publish them",
		Long: `Fgb computes from the FG-A rows and pair counts of the weeks before a month what is usual for every host and segment,
and publishes it as fg_b, in force from an hour after its commit. The same command again resumes: what is computed
already is kept. A publication is never overwritten: a month that is published again gets the next revision.

With --part i/n (0 <= i < n) it computes a part of the segments, for n processes or machines; then --publish merges
the parts and publishes. Baselines that moved for too many hosts since the last ones are refused: look at the hosts
that are named, then use --publish --accept.`,
		Example: `  ndr batch fgb --config ndr.yaml --month 2026-11
  ndr batch fgb --root file://$PWD/out --reference-time-iso 2026-11-23T00:00:00Z --allow-gaps 4
  ndr batch fgb --config ndr.yaml --month 2026-11 --part 0/4   # and 1/4, 2/4, 3/4, then
  ndr batch fgb --config ndr.yaml --month 2026-11 --publish`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, io) },
	}
	s := c.Flags()
	s.StringVar(&f.root.config, "config", "", "configuration file that names the root")
	s.StringVar(&f.root.root, "root", "", "root: file:///dir or s3://bucket[/prefix]; wins over --config")
	s.StringVar(&f.root.project, "project-name", "", "project below the root (default: as configured, else ndr)")
	s.StringVar(&f.root.version, "feature-spec-version", "", "version below the project (default: as configured, else v1)")
	s.StringVar(&f.month, "month", "", "month of the baselines, YYYY-MM: they are of the weeks before its first day")
	s.StringVar(&f.month, "reference-month-iso", "", "the same as --month, as a month or a time in it")
	s.StringVar(&f.reference, "reference-time-iso", "", "time before which the horizons end, instead of the first day of a month")
	s.StringVar(&f.mode, "mode", fgb.ModeRegular, "REGULAR, or BACKFILL with --effective-from")
	s.StringVar(&f.effective, "effective-from", "", "time from which a backfill is in force")
	s.StringVar(&f.part, "part", "", "i/n: compute the segments of part i, 0 <= i < n, and do not publish")
	s.BoolVar(&f.publish, "publish", false, "publish the parts that are computed; with --part, after computing it")
	s.BoolVar(&f.accept, "accept", false, "publish also what moved too far since the last publication")
	s.IntVar(&f.gaps, "allow-gaps", 0, "slices of a horizon that may be missing")
	s.BoolVar(&f.dryRun, "dry-run", false, "say which slices would be read, and stop")
	s.StringVar(&f.runID, "run-id", "", "name of this run, noted in the publication")
	s.StringVar(&f.temp, "temp-dir", "", "folder for temporary files (default: the system's)")
	for _, name := range []string{"mini-batch-id", "batch-start-ts-iso", "batch-end-ts-iso", "execution-ts-iso"} {
		s.String(name, "", "taken from orchestrations, which give it to every job; a month has no use for it")
	}
	f.out.flag(c)
	return c
}

// run runs the job.
func (f *fgbFlags) run(cmd *cobra.Command, io stdio) (err error) {
	if err := f.out.check(); err != nil {
		return err
	}
	if f.gaps < 0 {
		return usageError{fmt.Errorf("--allow-gaps %d is negative", f.gaps)}
	}
	log, err := commandLogger(cmd, io.err, slog.LevelWarn)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	v, err := f.root.open(ctx)
	if err != nil {
		return err
	}
	cfg, err := fgbConfig(v)
	if err != nil {
		return err
	}
	if err := f.apply(&cfg); err != nil {
		return usageError{err}
	}
	if cfg.TempDir, err = os.MkdirTemp(f.temp, "ndr-fgb-"); err != nil {
		return fmt.Errorf("make folder of temporary files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.TempDir)) }()
	bar := newProgressBar(io.err)
	cfg.Progress = func(p fgb.Progress) { bar.show(p.Step, p.Done, p.Total) }
	job, err := fgb.New(cfg, v.store, log)
	if err != nil {
		return usageError{err}
	}
	if f.dryRun {
		return f.plan(ctx, job, io)
	}
	began := now()
	report, err := job.Run(ctx)
	bar.clear()
	for _, w := range report.Warnings {
		fmt.Fprintln(io.err, "ndr: warning:", w)
	}
	if err != nil {
		return err
	}
	return f.out.print(io.out, fgbReport(report, now().Sub(began)))
}

// apply sets what the command line says.
func (f *fgbFlags) apply(cfg *fgb.Config) (err error) {
	if cfg.Reference, err = f.referenceTime(); err != nil {
		return err
	}
	cfg.Mode, cfg.AllowGaps, cfg.RunID = strings.ToUpper(f.mode), f.gaps, f.runID
	if f.effective != "" {
		if cfg.EffectiveFrom, err = parseTime(f.effective); err != nil {
			return fmt.Errorf("--effective-from: %w", err)
		}
	}
	cfg.Compute, cfg.Publish, cfg.Parts = f.part != "" || !f.publish, f.part == "" || f.publish, 1
	if f.part != "" {
		if n, err := fmt.Sscanf(f.part, "%d/%d", &cfg.Part, &cfg.Parts); err != nil || n != 2 || cfg.Part < 0 || cfg.Part >= cfg.Parts {
			return fmt.Errorf("--part %q is not i/n with 0 <= i < n", f.part)
		}
	}
	if f.accept {
		cfg.AcceptedBy = "--accept"
		if u, err := user.Current(); err == nil {
			cfg.AcceptedBy = u.Username
		}
	}
	return nil
}

// referenceTime is the time that the flags name.
func (f *fgbFlags) referenceTime() (time.Time, error) {
	switch {
	case f.month != "" && f.reference != "":
		return time.Time{}, errors.New("--month and --reference-time-iso exclude each other")
	case f.reference != "":
		at, err := parseTime(f.reference)
		return at.UTC(), err
	case f.month != "":
		if at, err := time.Parse("2006-01", f.month); err == nil {
			return at, nil
		}
		at, err := parseTime(f.month)
		if err != nil {
			return time.Time{}, fmt.Errorf("--month %s: want YYYY-MM", f.month)
		}
		at = at.UTC()
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC), nil
	}
	return time.Time{}, errors.New("which month? Name it by --month YYYY-MM or --reference-time-iso TIME")
}

// fgbPlan is what a dry run prints.
type fgbPlan struct {
	Schema   int           `json:"schema"`
	Horizons []fgbPlanItem `json:"horizons"`
}

type fgbPlanItem struct {
	Horizon       string   `json:"baseline_horizon"`
	Start         string   `json:"baseline_start_ts"`
	End           string   `json:"baseline_end_ts"`
	Slices        int      `json:"slices"`
	Silent        int      `json:"silent_slices"`
	BeforeHistory int      `json:"slices_before_history"`
	Missing       []string `json:"missing_slices"`
}

func (f *fgbFlags) plan(ctx context.Context, job *fgb.Job, io stdio) error {
	plans, err := job.Plan(ctx)
	if err != nil {
		return err
	}
	d := &fgbPlan{Schema: outputSchema}
	for _, p := range plans {
		d.Horizons = append(d.Horizons, fgbPlanItem{p.Horizon, p.Start.Format(time.RFC3339), p.End.Format(time.RFC3339), p.Slices, p.Silent,
			p.BeforeHistory, slices.Concat([]string{}, p.Missing)})
	}
	return f.out.print(io.out, report{document: d, table: d.table})
}

func (d *fgbPlan) table(w io.Writer) {
	fmt.Fprintf(w, "horizon\tfrom\tto\tslices\tsilent\tbefore history\tmissing\n")
	for _, h := range d.Horizons {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\n", h.Horizon, h.Start, h.End, h.Slices, h.Silent, h.BeforeHistory, len(h.Missing))
	}
	for _, h := range d.Horizons {
		if len(h.Missing) > 0 {
			fmt.Fprintf(w, "%s misses\t%s\n", h.Horizon, strings.Join(h.Missing, " "))
		}
	}
}
