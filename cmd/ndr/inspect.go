package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"
)

func inspectCommand(io stdio) *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect",
		Short: "Look at any stored thing: cuts, close records, manifests, slices, tables, states",
		Long: `Inspect reads one stored thing and says what is in it; it changes nothing. Objects are named by their local path
or URL, or by their key with --root or --config.`,
		Example: `  ndr inspect slice --root file://$PWD/out
  ndr inspect parquet --root file://$PWD/out fg_a/20261123T1045Z/0
  ndr inspect cut --root s3://features flows/0/17
  ndr inspect state --root s3://features --shard 0`,
	}
	makeGroup(c)
	c.AddCommand(inspectCutCommand(io), inspectCloseCommand(io), inspectManifestCommand(io), inspectSliceCommand(io),
		inspectParquetCommand(io), inspectStateCommand(io))
	return c
}

// inspectFlags are those of every command that looks at one object.
type inspectFlags struct {
	rootFlags
	output
}

// objectCommand completes a command with one argument, an object; run prints what it finds there.
func (f *inspectFlags) objectCommand(c *cobra.Command, run func(ctx context.Context, v *rootView, key string) error) *cobra.Command {
	c.Args = wantArgs(cobra.ExactArgs(1))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		v, key, err := f.find(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return run(cmd.Context(), v, key)
	}
	f.rootFlags.flags(c)
	f.output.flag(c)
	return c
}

// get reads a small object whole.
func (v *rootView) get(ctx context.Context, key string) ([]byte, error) {
	b, err := v.store.Get(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: %w", v.url, key, err)
	}
	return b, err
}
