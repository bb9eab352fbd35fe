package oracle

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// build builds the command into a folder that goes with the test and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ndr")
	if out, err := exec.Command("go", "build", "-o", path, "ndr/cmd/ndr").CombinedOutput(); err != nil {
		t.Fatalf("build ndr/cmd/ndr: %v\n%s", err, out)
	}
	return path
}

// replay runs the product over the files that match a glob and returns the root of the version it wrote.
func replay(t *testing.T, binary, glob, format string, extra ...string) string {
	t.Helper()
	root := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	args := append([]string{"replay", "--source", "file", "--input", glob, "--format", format, "--root", "file://" + root}, extra...)
	command := exec.CommandContext(ctx, binary, args...)
	command.Dir = root
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	began := time.Now()
	if err := command.Run(); err != nil {
		t.Fatalf("ndr %v: %v\n%s%s", args, err, stdout.String(), stderr.String())
	}
	t.Logf("product %v", time.Since(began).Round(time.Millisecond))
	return filepath.Join(root, "projects", "ndr", "versions", "v1")
}

// judge compares everything the product wrote with what the oracle says of the same files.
func judge(t *testing.T, root, glob, format string, o Options) *Result {
	t.Helper()
	files, err := ReadFiles(glob)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	result, err := Run(files, format, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("oracle %v: %d closes, %+v", time.Since(began).Round(time.Millisecond), len(result.Closed), result.Accounting)
	for _, dataset := range []string{Delta, PairCounts, PairContext, FGA, Lookback} {
		got, err := ReadDataset(root, dataset)
		if err != nil {
			t.Error(err)
			continue
		}
		want := result.Tables[dataset]
		if diffs := Compare(dataset, want, got, Keys[dataset]); len(diffs) > 0 {
			t.Errorf("%s (%d rows wanted, %d found): %s", dataset, len(want), len(got), Report(diffs, 12))
		}
	}
	return result
}
