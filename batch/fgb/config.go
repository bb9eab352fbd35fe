package fgb

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ndr/feature"
	"ndr/sinks"
)

// Modes of a publication.
const (
	ModeRegular  = "REGULAR"  // in force from the first slice after the commit and the activation delay
	ModeBackfill = "BACKFILL" // in force from a time that is given
)

// Config is what a Job needs. Fields without a default must be set.
type Config struct {
	Layout             feature.Layout
	Clock              feature.Clock
	Calendar           *feature.Calendar // for the bands of slices without a row
	FeatureSpecVersion string

	Reference       time.Time // UTC; its month is the baseline_month
	Mode            string    // ModeRegular by default
	EffectiveFrom   time.Time // of ModeBackfill
	ActivationDelay time.Duration
	Horizons        []Horizon

	Rules                 feature.BaselineRules
	ZeroFill              bool
	GuardBound            float64
	GuardMaxShare         float64
	ScaleFloors           map[string]float64 // by metric, where they are not the default
	AcceptedBy            string             // who accepts what the guard refuses; empty: nobody
	AllowGaps             int                // missing slices that are let pass, per horizon
	NonPersistentPrefixes []string
	RequireInventory      bool

	Part, Parts int  // part 0..Parts-1 of the segments; Parts is 1 by default
	Compute     bool // compute the part
	Publish     bool // publish when all parts are there

	TempDir string // "": the system's
	Memory  int64  // budget in bytes; 512 MiB by default
	Workers int    // goroutines; 1 by default

	ConfigDigest string // of what the rows depend on; parts with another digest are not mixed
	RunID        string
	Writer       string // program and version
	Now          func() time.Time
	Progress     func(Progress) // may be nil; called from one goroutine at a time
}

// Horizon is Days whole days that end Gap days before the reference time.
type Horizon struct {
	Name      string
	Days, Gap int
}

// Progress is how far a step of the work is.
type Progress struct {
	Step        string // e.g. "30d: read"
	Done, Total int64
}

const (
	defaultMemory = 512 << 20
	minMemory     = 16 << 20
)

// Month is the baseline_month.
func (c *Config) Month() string { return c.Reference.UTC().Format("2006-01") }

// Validate sets defaults and reports every fault.
func (c *Config) Validate() error {
	if c.Mode == "" {
		c.Mode = ModeRegular
	}
	c.Parts, c.Workers = max(1, c.Parts), max(1, c.Workers)
	if c.Memory == 0 {
		c.Memory = defaultMemory
	}
	c.Memory = max(c.Memory, minMemory)
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case c.Mode != ModeRegular && c.Mode != ModeBackfill:
		fault("mode %q: want %s or %s", c.Mode, ModeRegular, ModeBackfill)
	case c.Mode == ModeBackfill && c.EffectiveFrom.IsZero():
		fault("mode %s needs the time from which the baselines are in force", ModeBackfill)
	case c.Mode == ModeRegular && !c.EffectiveFrom.IsZero():
		fault("effective from %s: only mode %s sets it", c.EffectiveFrom.Format(time.RFC3339), ModeBackfill)
	}
	if c.Reference.IsZero() {
		fault("no month or reference time")
	}
	if c.Part < 0 || c.Part >= c.Parts {
		fault("part %d of %d: want 0 to %d", c.Part, c.Parts, c.Parts-1)
	}
	if len(c.Horizons) == 0 {
		fault("no horizon")
	}
	for _, h := range c.Horizons {
		if h.Name == "" || h.Days < 1 || h.Gap < 0 {
			fault("horizon %q of %d days with a gap of %d: want a name, a day or more, no negative gap", h.Name, h.Days, h.Gap)
		}
	}
	if c.Calendar == nil || c.Now == nil {
		fault("no calendar or clock")
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("check baselines job: %w", err)
	}
	return nil
}

// Job computes and publishes the baselines of a month.
type Job struct {
	cfg   Config
	store sinks.Store
	log   *slog.Logger
	guard *feature.BaselineGuard
}

// New checks the configuration.
func New(cfg Config, store sinks.Store, log *slog.Logger) (*Job, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	guard, err := feature.NewBaselineGuard(cfg.GuardBound, cfg.ScaleFloors)
	if err != nil {
		return nil, err
	}
	return &Job{cfg: cfg, store: store, log: log, guard: guard}, nil
}

func (j *Job) progress(step string, done, total int64) {
	if j.cfg.Progress != nil {
		j.cfg.Progress(Progress{step, done, total})
	}
}
