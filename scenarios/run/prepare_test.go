package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/scenarios"
)

func TestTimesAreWholeSeconds(t *testing.T) {
	s := scenarios.Default()
	s.Delivery.Buffer, s.RollUp.Every = 2*time.Second, 5*time.Second
	require.NoError(t, wholeSeconds(&s))
	s.Delivery.Buffer, s.RollUp.Every = 500*time.Millisecond, 1500*time.Millisecond
	err := wholeSeconds(&s)
	require.ErrorContains(t, err, "delivery.buffer is 500ms")
	require.ErrorContains(t, err, "roll-up.every is 1.5s")
}
