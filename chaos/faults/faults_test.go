package faults

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/fault"
)

func TestEveryKindIsListedOnce(t *testing.T) {
	var kinds []fault.Kind
	for _, e := range entries {
		kinds = append(kinds, e.kind)
	}
	require.Equal(t, fault.Kinds, kinds)
}

func TestNewMakesWhatIsValid(t *testing.T) {
	w := World{Dir: t.TempDir(), Edge: "http://127.0.0.1:1", Wrapper: []string{"stampede", "runtime-wrapper"}}
	for _, line := range []string{
		"a: kill-function f at 1s for 1s every=100ms",
		"a: kill-process data at 1s for 1s",
		"a: release-function f at 1s for 1s defect=slow(1s)",
	} {
		f, err := fault.Parse(line)
		require.NoError(t, err)
		made, err := New(f, w)
		require.NoError(t, err)
		require.NotNil(t, made)
		f.For = 0
		_, err = New(f, w)
		require.ErrorContains(t, err, "it needs an end above zero")
	}
}
