package deploy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRollUpDefinitionTakesItsSettings(t *testing.T) {
	text, err := RollUpDefinition("arn:aws:lambda:us-east-1:000000000000:function:process-insights:live", Passes{Interval: 2 * time.Second, Count: 3, Workers: 2})
	require.NoError(t, err)
	require.NotContains(t, text, "${")
	var m struct {
		States struct {
			Pass  struct{ MaxConcurrency int }
			Begin struct {
				Result struct {
					Shards   []int
					Settings map[string]int
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, m.States.Begin.Result.Shards)
	require.Equal(t, map[string]int{"rests": 2, "seconds": 2, "most": 30}, m.States.Begin.Result.Settings)
	require.Equal(t, 2, m.States.Pass.MaxConcurrency)
	for _, interval := range []time.Duration{time.Millisecond, 1500 * time.Millisecond, -1} {
		_, err = RollUpDefinition("arn", Passes{Interval: interval})
		require.Error(t, err)
	}
}
