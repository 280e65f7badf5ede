package run

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/scenarios"
)

func TestDefaultPlansAreThePlatforms(t *testing.T) {
	require.Equal(t, stack.UsagePlans(), plansOf(scenarios.Default().Tenants.Plans))
}
