package run

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/deploy"
)

func TestEvidence(t *testing.T) {
	first, last := time.Unix(100, 0), time.Unix(200, 0)
	stats := cloud.Stats{APIGateway: &apigateway.Stats{LatencyBoundsMS: []int{50, 142, 200, 1000}, Versions: []apigateway.VersionStats{
		{Function: "ingest-events", Version: "1", Requests: 100, LatencyLE: []int64{80, 98, 100, 100}},
		{Function: "ingest-events", Version: "2", Requests: 40, Errors5xx: 7, LatencyLE: []int64{5, 10, 30, 35}, FirstBad: first, LastBad: last},
	}}}
	stable, canary := deploy.Version{Function: "ingest-events", Version: "1"}, deploy.Version{Function: "ingest-events", Version: "2"}
	for _, tc := range []struct {
		slow           time.Duration
		stable, canary int64
		why            string
	}{
		{142 * ms, 2, 30, "a bound of its own"},
		{150 * ms, 0, 10, "the next bound above it: what is not surely slower is not called slow"},
		{second, 0, 5, "slower than the last bound"},
		{2 * second, 0, 0, "no bound tells"},
	} {
		got := evidence(stats, tc.slow)
		require.Equal(t, map[deploy.Version]deploy.Counts{
			stable: {Requests: 100, Slow: tc.stable},
			canary: {Requests: 40, Errors: 7, Slow: tc.canary, FirstBad: first, LastBad: last},
		}, got, tc.why)
	}
	require.Empty(t, evidence(cloud.Stats{}, second), "a process without a gateway")
}

type aliases struct {
	deploy.Aliases
	sets int
}

func (a *aliases) Set(context.Context, string, string, string, map[string]float64, string) (deploy.Alias, error) {
	a.sets++
	return deploy.Alias{}, nil
}

func TestStuckAliasesOnlyClimb(t *testing.T) {
	inner := &aliases{}
	stuck := stuckAliases{inner}
	_, err := stuck.Set(t.Context(), "f", "live", "1", map[string]float64{"2": 0.5}, "r")
	require.NoError(t, err)
	require.Equal(t, 1, inner.sets)
	_, err = stuck.Set(t.Context(), "f", "live", "1", nil, "r")
	require.ErrorIs(t, err, deploy.ErrThrottled)
	require.Equal(t, 1, inner.sets)
}
