package lambda

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Result is what an invocation that was admitted came to.
type Result struct {
	Payload         []byte        // the function's answer or, with a FunctionError, the error as JSON
	FunctionError   string        // "Unhandled", or "" for success
	ExecutedVersion string        // the version an alias or $LATEST came to
	Init            time.Duration // the environment's initialisation, if this was its first invocation
	Duration        time.Duration // in the environment
	RequestID       string
	Log             []string // last lines that the environment printed, of failures and on demand
}

// invocation is one event on its way through an environment.
type invocation struct {
	id            string
	arn           string // as invoked, with the qualifier
	payload       []byte
	trace         string // X-Ray trace header
	clientContext string // JSON, from X-Amz-Client-Context
	tail          bool   // the caller wants the last lines printed even of a success

	// The scheduler's, under its lock.
	started  time.Time
	deadline time.Time
	timer    *time.Timer // ends the invocation at its deadline

	done chan outcome // buffered: the scheduler never waits for a caller
}

// outcome is a result or a refusal.
type outcome struct {
	result  Result
	refusal *wire.Error
}

// failure is an error object as the Runtime API and Lambda's answers carry it.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (f failure) payload() []byte {
	b, _ := json.Marshal(f) // two strings
	return b
}

// The words are Lambda's own.
func timedOut(requestID string, timeout time.Duration) failure {
	return failure{"Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, timeout.Seconds())}
}

func exited(requestID, how string) failure {
	if how == "exit status 0" {
		return failure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited without providing a reason", requestID)}
	}
	return failure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", requestID, how)}
}

func notStarted(requestID string, err error) failure {
	return failure{"Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %s", requestID, err)}
}

func responseTooLarge(limit int) failure {
	return failure{"Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit)}
}
