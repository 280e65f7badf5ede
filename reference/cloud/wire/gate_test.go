package wire_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func TestGateWaitsForWhatIsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g wire.Gate
		require.True(t, g.Enter())
		time.AfterFunc(2*time.Second, g.Leave)
		require.True(t, g.Go(func() { time.Sleep(3 * time.Second) }))

		began := time.Now()
		require.True(t, g.Close(), "it was open")
		require.False(t, g.Close(), "it is closed already")
		require.False(t, g.Enter())
		require.False(t, g.Go(func() { t.Error("ran behind a closed gate") }))
		g.Wait()
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}
