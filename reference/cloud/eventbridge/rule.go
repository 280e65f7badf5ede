package eventbridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// target is a target as callers write it and as it is stored.
type target struct {
	Id               string
	Arn              string
	RoleArn          string            `json:",omitempty"`
	Input            *string           `json:",omitempty"`
	InputPath        *string           `json:",omitempty"`
	InputTransformer json.RawMessage   `json:",omitempty"`
	RetryPolicy      *targetRetries    `json:",omitempty"`
	DeadLetterConfig *targetDeadLetter `json:",omitempty"`
}

type targetRetries struct {
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
}

type targetDeadLetter struct{ Arn string }

// ruleRecord is a rule as it is stored.
type ruleRecord struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	RoleArn     string   `json:"role_arn,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Schedule    string   `json:"schedule,omitempty"`
	Enabled     bool     `json:"enabled"`
	Since       int64    `json:"since_ms"` // when it was last enabled
	Targets     []target `json:"targets"`
}

// rule is a compiled rule. It is never changed, only replaced.
type rule struct {
	ruleRecord
	pattern  *Pattern // nil without one
	schedule *schedule
}

// compile reads the pattern and the schedule of a rule.
func (r ruleRecord) compile() (*rule, error) {
	c := &rule{ruleRecord: r}
	if r.Pattern != "" {
		p, err := CompilePattern([]byte(r.Pattern))
		if err != nil {
			return nil, err
		}
		c.pattern = p
	}
	if r.Schedule != "" {
		s, err := parseSchedule(r.Schedule)
		if err != nil {
			return nil, err
		}
		c.schedule = &s
	}
	return c, nil
}

// next is when the rule's schedule is due after a time, zero if never.
func (r *rule) next(after time.Time) time.Time {
	if r.schedule == nil || !r.Enabled {
		return time.Time{}
	}
	return r.schedule.next(time.UnixMilli(r.Since), after)
}

// payload is what the target gets of an event.
func (t *target) payload(event []byte) ([]byte, error) {
	switch {
	case t.Input != nil:
		return []byte(*t.Input), nil
	case t.InputPath != nil && *t.InputPath != "$":
		v, err := parseJSON(event)
		if err != nil {
			return nil, fmt.Errorf("parse event: %w", err)
		}
		for _, key := range strings.Split(strings.TrimPrefix(*t.InputPath, "$."), ".") {
			m, _ := v.(map[string]any)
			v = m[key]
		}
		return json.Marshal(v)
	}
	return event, nil
}
