package bench

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// childRole names what this process is when it is not the test: see children. The argument is in childArgument, and
// its answer is one line of JSON on the standard output.
const (
	childRole     = "NDR_BENCH_CHILD"
	childArgument = "NDR_BENCH_ARGUMENT"
)

var children = map[string]func(argument string, out io.Writer) error{
	"broker": broker,
	"build":  buildShards,
	"close":  closeShards,
}

func TestMain(m *testing.M) {
	role := os.Getenv(childRole)
	if role == "" {
		flag.Parse()
		os.Exit(m.Run())
	}
	if err := children[role](os.Getenv(childArgument), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startChild starts this binary in a role and reads its answer. The child is ended by closing its standard input,
// which Cleanup does, and waited for.
func startChild(tb testing.TB, role string, argument, answer any) {
	tb.Helper()
	text, err := json.Marshal(argument)
	if err != nil {
		tb.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childRole+"="+role, childArgument+"="+string(text))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			tb.Errorf("child %s: %v", role, err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, answer)
	}
	if err != nil {
		tb.Fatalf("child %s: %v", role, err)
	}
}

// answer writes what startChild reads.
func answer(out io.Writer, v any) error { return json.NewEncoder(out).Encode(v) }
