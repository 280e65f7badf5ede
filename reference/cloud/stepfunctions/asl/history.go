package asl

import (
	"encoding/json"
	"strconv"
	"time"
)

// Instant marshals as AWS's JSON protocols write times: seconds since 1970 with milliseconds.
type Instant struct{ time.Time }

// MarshalJSON writes seconds.
func (t Instant) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds.
func (t *Instant) UnmarshalJSON(raw []byte) error {
	seconds, err := strconv.ParseFloat(string(raw), 64)
	t.Time = time.UnixMilli(int64(seconds*1000 + 0.5)).UTC()
	return err
}

// Event is one entry of an execution's history, in the form in which GetExecutionHistory returns it:
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
type Event struct {
	Timestamp       Instant `json:"timestamp"`
	Type            string  `json:"type"`
	ID              int64   `json:"id"`
	PreviousEventID int64   `json:"previousEventId"`

	ExecutionStarted        *InputDetails     `json:"executionStartedEventDetails,omitempty"`
	ExecutionSucceeded      *OutputDetails    `json:"executionSucceededEventDetails,omitempty"`
	ExecutionFailed         *ErrorDetails     `json:"executionFailedEventDetails,omitempty"`
	ExecutionAborted        *ErrorDetails     `json:"executionAbortedEventDetails,omitempty"`
	ExecutionTimedOut       *ErrorDetails     `json:"executionTimedOutEventDetails,omitempty"`
	StateEntered            *InputDetails     `json:"stateEnteredEventDetails,omitempty"`
	StateExited             *OutputDetails    `json:"stateExitedEventDetails,omitempty"`
	LambdaFunctionScheduled *ScheduledDetails `json:"lambdaFunctionScheduledEventDetails,omitempty"`
	LambdaFunctionSucceeded *OutputDetails    `json:"lambdaFunctionSucceededEventDetails,omitempty"`
	LambdaFunctionFailed    *ErrorDetails     `json:"lambdaFunctionFailedEventDetails,omitempty"`
	LambdaFunctionTimedOut  *ErrorDetails     `json:"lambdaFunctionTimedOutEventDetails,omitempty"`
	TaskScheduled           *ScheduledDetails `json:"taskScheduledEventDetails,omitempty"`
	TaskStarted             *ScheduledDetails `json:"taskStartedEventDetails,omitempty"`
	TaskSucceeded           *OutputDetails    `json:"taskSucceededEventDetails,omitempty"`
	TaskFailed              *ErrorDetails     `json:"taskFailedEventDetails,omitempty"`
	TaskTimedOut            *ErrorDetails     `json:"taskTimedOutEventDetails,omitempty"`
	MapStateStarted         *LengthDetails    `json:"mapStateStartedEventDetails,omitempty"`
	MapIterationStarted     *IterationDetails `json:"mapIterationStartedEventDetails,omitempty"`
	MapIterationSucceeded   *IterationDetails `json:"mapIterationSucceededEventDetails,omitempty"`
	MapIterationFailed      *IterationDetails `json:"mapIterationFailedEventDetails,omitempty"`
	MapIterationAborted     *IterationDetails `json:"mapIterationAbortedEventDetails,omitempty"`
}

// Truncation says whether data was cut; here it never is.
type Truncation struct {
	Truncated bool `json:"truncated"`
}

// InputDetails are of a state entered or an execution started.
type InputDetails struct {
	Name         string     `json:"name,omitempty"`
	Input        string     `json:"input"`
	InputDetails Truncation `json:"inputDetails"`
	RoleARN      string     `json:"roleArn,omitempty"`
}

// OutputDetails are of a state exited, a task or an execution succeeded.
type OutputDetails struct {
	Name          string     `json:"name,omitempty"`
	Output        string     `json:"output"`
	OutputDetails Truncation `json:"outputDetails"`
	Resource      string     `json:"resource,omitempty"`
	ResourceType  string     `json:"resourceType,omitempty"`
}

// ErrorDetails are of a failure.
type ErrorDetails struct {
	Error        *string `json:"error,omitempty"`
	Cause        *string `json:"cause,omitempty"`
	Resource     string  `json:"resource,omitempty"`
	ResourceType string  `json:"resourceType,omitempty"`
}

// ScheduledDetails are of a task scheduled or started.
type ScheduledDetails struct {
	Input            string      `json:"input,omitempty"`
	InputDetails     *Truncation `json:"inputDetails,omitempty"`
	Parameters       string      `json:"parameters,omitempty"`
	Region           string      `json:"region,omitempty"`
	Resource         string      `json:"resource"`
	ResourceType     string      `json:"resourceType,omitempty"`
	TimeoutInSeconds int64       `json:"timeoutInSeconds,omitempty"`
}

// LengthDetails are of a Map started.
type LengthDetails struct {
	Length int `json:"length"`
}

// IterationDetails are of one iteration of a Map.
type IterationDetails struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
}

func input(name string, raw json.RawMessage) *InputDetails {
	return &InputDetails{Name: name, Input: string(raw)}
}

func output(name string, raw json.RawMessage) *OutputDetails {
	return &OutputDetails{Name: name, Output: string(raw)}
}
