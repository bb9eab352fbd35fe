// Command ndr makes network detection features from flow logs: see README.md and `ndr help`. This package holds the
// commands, the wiring of the packages in start order, and the exit codes; the logic lives elsewhere.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}
