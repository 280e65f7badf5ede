package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/chaos/agent"
	"github.com/retailflow/stampede/chaos/faults/releasefunction"
)

// newAgent is the process that holds faults; run starts it.
func newAgent(t *terminal) *cobra.Command {
	var dir, edge string
	cmd := &cobra.Command{
		Use:    "agent",
		Short:  "Hold the faults of a run and revert them, whatever happens to it",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := filepath.Abs(dir)
			if err != nil {
				return fmt.Errorf("find run folder: %w", err)
			}
			return agent.Run(cmd.Context(), agent.Options{Dir: path, Edge: edge, Log: slog.New(slog.NewJSONHandler(t.stderr, nil))})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "folder of the run: pid files, journal, socket")
	cmd.Flags().StringVar(&edge, "edge", "", "base URL of the cloud process that runs the functions")
	return cmd
}

// newRuntimeWrapper is what Lambda starts around the function of a bad release.
func newRuntimeWrapper(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:                "runtime-wrapper BOOTSTRAP [ARG...]",
		Short:              "Run a Lambda bootstrap behind a defect, as AWS_LAMBDA_EXEC_WRAPPER",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if code := releasefunction.Wrap(args, os.Environ()); code != 0 {
				return &exitError{code: code}
			}
			return nil
		},
	}
}
