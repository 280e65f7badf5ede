package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Machine is a checked definition. It does not change and may be shared.
type Machine struct {
	Timeout time.Duration // of an execution; zero: none
	top     *block
}

// DefinitionError lists all that is wrong with a definition, in the words of Step Functions, each
// with the place of the fault, such as "/States/Wait/Seconds".
type DefinitionError struct{ Problems []string }

func (e *DefinitionError) Error() string { return strings.Join(e.Problems, ", ") }

// block is a set of states with a start: the machine itself, a branch or an item processor.
type block struct {
	startAt string
	states  map[string]*state
}

// state is one compiled state. Fields that its type does not have are zero.
type state struct {
	name, kind string
	next       string
	end        bool

	inputPath, outputPath, resultPath *path // nil: null in the definition
	parameters, resultSelector        expression
	result                            any
	hasResult                         bool

	retry []retrier
	catch []catcher

	// Task
	resource    string
	service     bool // lambda:invoke, not a function's own ARN
	timeout     int64
	timeoutPath *path

	// Wait
	seconds       int64
	timestamp     time.Time
	secondsPath   *path
	timestampPath *path

	// Choice
	rules    []rule
	fallback string // Default

	// Fail
	failName, failCause         *string
	failNamePath, failCausePath expression
	failPathTexts               [2]string

	// Parallel and Map
	branches           []*block
	itemsPath          *path
	itemSelector       expression
	maxConcurrency     int64
	maxConcurrencyPath *path
}

type retrier struct {
	names       []string
	interval    time.Duration
	maxAttempts int
	backoff     float64
	maxDelay    time.Duration // zero: none
	jitter      bool
}

type catcher struct {
	names      []string
	next       string
	resultPath *path
}

// LambdaInvoke is the resource of the optimized Lambda integration.
const LambdaInvoke = "arn:aws:states:::lambda:invoke"

// maxParallel is how many iterations of an inline Map run at once:
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
const maxParallel = 40

// maxTimeout is the largest TimeoutSeconds: https://states-language.net/spec.html#timeouts
const maxTimeout = 99_999_999

// raw forms of the definition

type rawBlock struct {
	Comment         string
	StartAt         *string
	Version         string
	QueryLanguage   string
	TimeoutSeconds  *int64
	ProcessorConfig *struct{ Mode, ExecutionType string }
	States          map[string]json.RawMessage
}

type rawState struct {
	Type, Comment, Next, Resource, QueryLanguage   string
	End                                            bool
	InputPath, OutputPath, ResultPath              nullable
	Parameters, ResultSelector, Result             json.RawMessage
	Retry                                          []rawRetrier
	Catch                                          []rawCatcher
	TimeoutSeconds, HeartbeatSeconds               *int64
	TimeoutSecondsPath, HeartbeatSecondsPath       string
	Seconds                                        *int64
	SecondsPath, Timestamp, TimestampPath, Default string
	Choices                                        []map[string]json.RawMessage
	Error, Cause                                   *string
	ErrorPath, CausePath                           string
	Branches                                       []json.RawMessage
	Iterator, ItemProcessor                        json.RawMessage
	ItemsPath, MaxConcurrencyPath                  string
	ItemSelector                                   json.RawMessage
	MaxConcurrency                                 int64
	Credentials                                    json.RawMessage
	// refused
	Assign, Output, Arguments, Items, ItemReader, ItemBatcher, ResultWriter json.RawMessage
	ToleratedFailureCount, ToleratedFailurePercentage                       json.RawMessage
	ToleratedFailureCountPath, ToleratedFailurePercentagePath, Label        json.RawMessage
}

type rawRetrier struct {
	Comment         string
	ErrorEquals     []string
	IntervalSeconds *int64
	MaxAttempts     *int64
	BackoffRate     *float64
	MaxDelaySeconds *int64
	JitterStrategy  string
	Assign          json.RawMessage
}

type rawCatcher struct {
	Comment     string
	ErrorEquals []string
	Next        string
	ResultPath  nullable
	Assign      json.RawMessage
	Output      json.RawMessage
}

// nullable is a path that may be left out, null or text.
type nullable struct {
	set  bool
	text *string
}

func (n *nullable) UnmarshalJSON(raw []byte) error {
	n.set = true
	return json.Unmarshal(raw, &n.text)
}

// refused names the fields of a state that this interpreter does not have.
func (r *rawState) refused() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"Assign": r.Assign, "Output": r.Output, "Arguments": r.Arguments, "Items": r.Items,
		"ItemReader": r.ItemReader, "ItemBatcher": r.ItemBatcher, "ResultWriter": r.ResultWriter,
		"ToleratedFailureCount": r.ToleratedFailureCount, "ToleratedFailurePercentage": r.ToleratedFailurePercentage,
		"ToleratedFailureCountPath": r.ToleratedFailureCountPath, "ToleratedFailurePercentagePath": r.ToleratedFailurePercentagePath,
		"Label": r.Label, "Credentials": r.Credentials,
	}
}

// Parse reads and checks a definition. The error is a *[DefinitionError].
func Parse(definition []byte) (*Machine, error) {
	c := &compiler{}
	var raw rawBlock
	if err := strict(definition, &raw); err != nil {
		return nil, &DefinitionError{Problems: []string{"INVALID_JSON_DESCRIPTION: Invalid JSON description: " + err.Error()}}
	}
	m := &Machine{}
	if raw.TimeoutSeconds != nil {
		if *raw.TimeoutSeconds < 1 || *raw.TimeoutSeconds > maxTimeout {
			c.problem("/TimeoutSeconds", "Value must be between 1 and %d", maxTimeout)
		}
		m.Timeout = time.Duration(*raw.TimeoutSeconds) * time.Second
	}
	m.top = c.block("", raw)
	if len(c.problems) > 0 {
		return nil, &DefinitionError{Problems: c.problems}
	}
	return m, nil
}

// strict decodes one JSON value and refuses fields that the language does not have.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
