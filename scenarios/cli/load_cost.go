package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/retailflow/stampede/loadgen/selftest"
	"github.com/retailflow/stampede/loadgen/truth"
)

// cost prints what a request costs this generator and others that are installed.
func cost(ctx context.Context, t *terminal, c calibration) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	server, err := selftest.Start([]string{self, "null-server"})
	if err != nil {
		return err
	}
	defer server.Close()
	costs, err := truth.MeasureCosts(ctx, truth.CostOptions{
		Server: server.URL(), Served: server.Served, Self: []string{self}, Tools: truth.Installed(), Rates: c.rates, Runs: c.runs, For: c.each,
		Done: func(one truth.Cost) {
			if one.Err != nil {
				fmt.Fprintf(t.stderr, "%s at %d/s: %v\n", one.Tool.Name, one.Rate, one.Err)
				return
			}
			fmt.Fprintf(t.stderr, "%s at %d/s: %d µs\n", one.Tool.Name, one.Rate, one.CPU.Microseconds())
		},
	})
	if err != nil {
		return err
	}
	return truth.WriteCosts(t.stdout, costs)
}
