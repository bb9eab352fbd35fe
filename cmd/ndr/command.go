package main

import (
	"github.com/spf13/cobra"
)

// newCommand makes the command tree.
func newCommand(io stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "ndr",
		Short: "Network detection features from flow logs, in real time",
		Long: `ndr reads flow logs (firewalls, VPC, Zeek, Suricata) from Kafka or files and publishes, for every host and every
15 minutes, what the host did over 15 minutes to 24 hours as Parquet tables on S3 or in a local folder.`,
		Example: `  ndr demo
  ndr replay --source file --input 'logs/*.gz' --format zeek-tsv --root file://$PWD/out
  ndr run --config ndr.yaml`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(demoCommand(io), replayCommand(io), runCommand(io), batchCommand(io), validateCommand(io), configCommand(io), catalogCommand(io),
		inspectCommand(io), generateCommand(io), healthcheckCommand(io), versionCommand(io))
	logFlags(root)
	makeGroup(root)
	return root
}

// noArgs refuses arguments as a usage error.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{err}
	}
	return nil
}
