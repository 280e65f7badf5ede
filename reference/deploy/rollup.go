package deploy

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

//go:embed rollup.asl.json
var rollUp string

// RollUpDefinition is the definition of the roll-up state machine: passes of the function
// (process-insights, by ARN) over all marker shards, with interval between them, about passes of
// them in one execution; a pass that leaves work is followed after a second and not counted. Zero means
// 5 s and 12, which fill a minute. The interval is in whole seconds, at least one.
func RollUpDefinition(functionARN string, interval time.Duration, passes int) (string, error) {
	if interval == 0 {
		interval = 5 * time.Second
	}
	if passes == 0 {
		passes = 12
	}
	if interval < time.Second || interval%time.Second != 0 || passes < 1 {
		return "", fmt.Errorf("define roll-up with interval %s and %d passes: %w", interval, passes, errors.New("need whole seconds and at least one pass"))
	}
	settings, err := json.Marshal(map[string]int{"rests": passes - 1, "seconds": int(interval / time.Second), "most": 10 * passes})
	if err != nil {
		return "", fmt.Errorf("define roll-up: %w", err)
	}
	arn, err := json.Marshal(functionARN)
	if err != nil {
		return "", fmt.Errorf("define roll-up: %w", err)
	}
	return strings.NewReplacer(
		`"${ProcessInsights}"`, string(arn),
		`{"rests": 11, "seconds": 5, "most": 120}`, string(settings),
	).Replace(rollUp), nil
}
