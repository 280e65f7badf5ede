package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/loadgen/selftest"
	"github.com/retailflow/stampede/reports"
)

// runSelfTest is `stampede load --self-test`.
func runSelfTest(ctx context.Context, t *terminal, quiet bool) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	o := selftest.Options{Server: []string{self, "null-server"}}
	if !quiet {
		o.OnStep = func(_ string, s selftest.Step) {
			fmt.Fprintf(t.stderr, "tried %s requests/s: lag p99 %s\n", reports.Rate(s.Rate), reports.FormatDuration(s.Lag.P99))
		}
	}
	r, err := selftest.Run(ctx, o)
	if err != nil {
		return fmt.Errorf("self-test: %w", err)
	}
	return r.WriteText(t.stdout)
}

// newNullServer is what the self-test loads; it ends with its standard input.
func newNullServer(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:    "null-server",
		Short:  "Answer every request with two bytes",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			go func() { // lives until the process ends
				_, _ = io.Copy(io.Discard, t.stdin)
				cancel()
			}()
			return selftest.Serve(ctx, t.stdout)
		},
	}
}
