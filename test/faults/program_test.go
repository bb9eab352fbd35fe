package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ndr/sinks"
)

// program builds the command once and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir, "ndr")
	if out, err := exec.Command("go", "build", "-o", path, "ndr/cmd/ndr").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

// replay is one command line of the real program.
type replay struct {
	root  string // folder
	input string // in the folder where the program runs; the name appears in details of rejects
	dir   string // that folder
	state string // folder; "" is a temporary one
	Setup        // its lines are not used
	extra []string
}

// command makes the process, not started yet.
func (r *replay) command(t *testing.T, ctx context.Context) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"replay", "--source", "file", "--input", r.input, "--format", r.Format, "--root", "file://" + r.root,
		"--partitions", fmt.Sprint(max(1, r.Partitions)), "--shards", fmt.Sprint(max(1, r.Shards))}
	if r.CutRecords > 0 {
		args = append(args, "--max-cut-records", fmt.Sprint(r.CutRecords))
	}
	if r.Lateness > 0 {
		args = append(args, "--allowed-lateness", r.Lateness.String())
	}
	if r.state != "" {
		args = append(args, "--state-dir", r.state)
	}
	c := exec.CommandContext(ctx, path, append(args, r.extra...)...)
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // what a killed process leaves there goes with the test
	if r.PairTimeout > 0 {
		c.Env = append(c.Env, "NDR__SLICES__PAIR_TIMEOUT="+r.PairTimeout.String())
	}
	c.Dir = r.dir
	out := new(bytes.Buffer)
	c.Stdout, c.Stderr = out, out
	return c, out
}

// run runs the program to its end and returns the exit code and what it printed.
func (r *replay) run(t *testing.T) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, text := r.command(t, ctx)
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v: %v\n%s", c.Args, errors.Join(err, ctx.Err()), text)
	}
	return c.ProcessState.ExitCode(), text.String()
}

// done runs the program, which must succeed.
func (r *replay) done(t *testing.T) string {
	t.Helper()
	code, out := r.run(t)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	return out
}

// result reads what the program published.
func (r *replay) result(t *testing.T) *Result {
	t.Helper()
	return read(t, sinks.NewFolder(r.root, sinks.Config{}), max(1, r.Shards))
}

// newReplay is a run over the lines of the setup, in a file input.log, into a new root.
func newReplay(t *testing.T, s Setup) *replay {
	t.Helper()
	r := &replay{root: t.TempDir(), dir: t.TempDir(), input: "input.log", Setup: s}
	r.write(t, "input.log", strings.Join(s.Lines, "\n")+"\n")
	return r
}

// write makes a file in the folder of the inputs.
func (r *replay) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// evening is an input for processes that are killed: enough cuts and slices to be killed in many places.
func evening(format string) Setup {
	tr := Traffic{Seed: *seed, Flows: 220, From: at(2023, 6, 2, 21), Span: 4 * time.Hour, Shuffle: 9 * time.Minute, Broken: 20}
	s := Setup{Format: format, Partitions: 2, Shards: 2, CutRecords: 7, Lateness: 10 * time.Minute, PairTimeout: 2 * time.Minute}
	if format == "vpc-text" {
		s.Lines, s.PairTimeout = tr.VPC(), 30*time.Minute
	} else {
		s.Lines = tr.PANOS()
	}
	return s
}

// TestKilledAtAnyMoment kills the program (SIGKILL) at random moments and starts it again, with its state folder kept
// or deleted, until it is done: rows and accounts are those of an undisturbed run.
func TestKilledAtAnyMoment(t *testing.T) {
	seeded(t)
	rounds := 1
	if *long {
		rounds = 20
	}
	for i := range rounds {
		for _, c := range []struct {
			name, format string
			keep         bool
		}{{"state kept", "panos-json", true}, {"state deleted", "vpc-text", false}} {
			t.Run(fmt.Sprintf("%s %d", c.name, i), func(t *testing.T) {
				s := evening(c.format)
				want := baseline(t, "evening "+c.format, s)
				r := newReplay(t, s)
				r.state = filepath.Join(t.TempDir(), "state")
				random := rand.New(rand.NewPCG(*seed, uint64(100+i)))
				kills := r.kill(t, random, c.keep)
				t.Logf("killed %d times", kills)
				if d := Diff(want, r.result(t), true); d != "" {
					t.Error(d)
				}
				if out := r.done(t); !strings.Contains(out, "Nothing to do") {
					t.Errorf("a finished run says:\n%s", out)
				}
			})
		}
	}
}

// kill runs the program until it is done, killing it on the way: later each time, so that it gets there. The folder
// of the state is deleted between the lives, or kept.
func (r *replay) kill(t *testing.T, random *rand.Rand, keep bool) (kills int) {
	t.Helper()
	limit := 300 * time.Millisecond
	for range 60 {
		c, out := r.command(t, context.Background())
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(random.Int64N(int64(limit))), func() { _ = c.Process.Kill() })
		err := c.Wait()
		if !kill.Stop() && err != nil && c.ProcessState.ExitCode() == -1 { // killed
			kills++
			limit += limit / 6
			if !keep {
				if err := os.RemoveAll(r.state); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return kills
	}
	t.Fatal("not done after 60 starts")
	return 0
}

// TestTwoProcesses starts two processes that own everything at the same time on the same root: both finish, and the
// rows are right. In the second round one of them is killed on the way.
func TestTwoProcesses(t *testing.T) {
	seeded(t)
	s := evening("panos-json")
	want := baseline(t, "evening "+s.Format, s)
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("one is killed: %v", killed), func(t *testing.T) {
			a := newReplay(t, s)
			b := *a
			b.CutRecords = 11
			first, out := a.command(t, context.Background())
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			if killed {
				b.kill(t, rand.New(rand.NewPCG(*seed, 200)), false)
			} else if code, out := b.run(t); code != 0 {
				t.Errorf("one process: exit code %d\n%s", code, out)
			}
			if err := first.Wait(); err != nil {
				t.Errorf("the other process: %v\n%s", err, out)
			}
			if d := Diff(want, a.result(t), false); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPublishedFromTheCutsAlone takes everything away but the cuts: the run is resumed, says so, and publishes the
// same rows.
func TestPublishedFromTheCutsAlone(t *testing.T) {
	s := evening("panos-json")
	r := newReplay(t, s)
	r.done(t)
	want := r.result(t)
	root := filepath.Join(r.root, filepath.FromSlash(layout().Root()))
	for _, dir := range []string{"data", "manifests", "control/close", "control/checkpoints", "control/sst"} {
		if err := os.RemoveAll(filepath.Join(root, filepath.FromSlash(dir))); err != nil {
			t.Fatal(err)
		}
	}
	if out := r.done(t); !strings.Contains(out, "Resumed") {
		t.Errorf("a run that had to publish everything says:\n%s", out)
	}
	if d := Diff(want, r.result(t), true); d != "" {
		t.Error(d)
	}
}
