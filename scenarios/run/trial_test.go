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
	stats := cloud.Stats{APIGateway: &apigateway.Stats{Versions: []apigateway.VersionStats{
		{Function: "ingest-events", Version: "1", Requests: 100, Slow: 2},
		{Function: "ingest-events", Version: "2", Requests: 40, Errors5xx: 7, Slow: 30, FirstBad: first, LastBad: last},
	}}}
	require.Equal(t, map[deploy.Version]deploy.Counts{
		{Function: "ingest-events", Version: "1"}: {Requests: 100, Slow: 2},
		{Function: "ingest-events", Version: "2"}: {Requests: 40, Errors: 7, Slow: 30, FirstBad: first, LastBad: last},
	}, evidence(stats))
	require.Empty(t, evidence(cloud.Stats{}), "a process without a gateway")
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
