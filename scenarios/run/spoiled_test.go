package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
)

// TestOnlyTheMachineExcusesARun: no damage to figures is ever tried again until it passes.
func TestOnlyTheMachineExcusesARun(t *testing.T) {
	of := func(limited bool, names ...string) *reports.Result {
		r := &reports.Result{}
		for _, name := range names {
			status := reports.Fail
			if name == "generator" {
				status = reports.Invalid
			}
			r.Checks = append(r.Checks, reports.Check{Name: name, Status: status, Required: true})
		}
		if limited {
			r.HostLimited = []reports.Interval{{}}
		}
		return r
	}
	lost := map[string]reports.Status{"events-lost": reports.Fail}
	require.True(t, spoiled(of(false, "generator"), nil))
	require.True(t, spoiled(of(true, "latency-p99"), nil))
	require.True(t, spoiled(of(true, "latency-p99", "events-lost"), lost))
	require.False(t, spoiled(of(false, "latency-p99"), nil), "slow on an idle machine")
	require.False(t, spoiled(of(true, "events-lost"), nil))
	require.False(t, spoiled(of(true, "generator", "events-lost"), nil))
	require.False(t, spoiled(of(true, "generator"), lost), "what must fail did not")
	require.False(t, spoiled(of(true, "events-lost"), lost), "as wanted")
}
