package deploy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRollUpDefinitionTakesItsSettings(t *testing.T) {
	text, err := RollUpDefinition("arn:aws:lambda:us-east-1:000000000000:function:process-insights:live", 2*time.Second, 3)
	require.NoError(t, err)
	require.NotContains(t, text, "${")
	var m struct {
		States struct {
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
	for _, interval := range []time.Duration{time.Millisecond, 1500 * time.Millisecond, -1} {
		_, err = RollUpDefinition("arn", interval, 1)
		require.Error(t, err)
	}
}
