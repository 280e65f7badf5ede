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

// Passes say how the roll-up state machine works. Zero values mean the defaults.
type Passes struct {
	Interval time.Duration // between passes, in whole seconds; 5 s
	Count    int           // passes of one execution; 12, which fill a minute
	Workers  int           // shards worked on at once; 8, all of them
}

func (p *Passes) ensureDefaults() {
	if p.Interval == 0 {
		p.Interval = 5 * time.Second
	}
	if p.Count == 0 {
		p.Count = 12
	}
	if p.Workers == 0 {
		p.Workers = 8
	}
}

// RollUpDefinition is the definition of the roll-up state machine: passes of the function
// (process-insights, by ARN) over all marker shards, about p.Count of them in one execution; a
// pass that leaves work is followed after a second and not counted.
func RollUpDefinition(functionARN string, p Passes) (string, error) {
	p.ensureDefaults()
	if p.Interval < time.Second || p.Interval%time.Second != 0 || p.Count < 1 || p.Workers < 1 {
		return "", fmt.Errorf("define roll-up with interval %s, %d passes and %d workers: %w", p.Interval, p.Count, p.Workers,
			errors.New("need whole seconds, and at least one pass and worker"))
	}
	settings, err := json.Marshal(map[string]int{"rests": p.Count - 1, "seconds": int(p.Interval / time.Second), "most": 10 * p.Count})
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
		`"MaxConcurrency": 8`, fmt.Sprintf(`"MaxConcurrency": %d`, p.Workers),
	).Replace(rollUp), nil
}
