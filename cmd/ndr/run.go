package main

import (
	"github.com/spf13/cobra"
)

func runCommand(io stdio) *cobra.Command {
	return &cobra.Command{Use: "run"}
}
