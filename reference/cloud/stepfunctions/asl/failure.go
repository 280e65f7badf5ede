package asl

import "fmt"

// Names of errors that the interpreter raises itself:
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
const (
	ErrorAll               = "States.ALL"
	ErrorTimeout           = "States.Timeout"
	ErrorHeartbeatTimeout  = "States.HeartbeatTimeout"
	ErrorTaskFailed        = "States.TaskFailed"
	ErrorRuntime           = "States.Runtime"
	ErrorNoChoiceMatched   = "States.NoChoiceMatched"
	ErrorIntrinsicFailure  = "States.IntrinsicFailure"
	ErrorResultPathFailure = "States.ResultPathMatchFailure"
	ErrorDataLimitExceeded = "States.DataLimitExceeded"
)

// failure is an error of a state on its way to a Retry, a Catch or the end of the execution.
type failure struct {
	name  string
	cause *string
}

func failed(name, format string, args ...any) *failure {
	cause := fmt.Sprintf(format, args...)
	return &failure{name: name, cause: &cause}
}

// fatal says that no Retry and no Catch applies.
func (f *failure) fatal() bool { return f.name == ErrorRuntime }

// output is what a Catch puts into the state's input.
func (f *failure) output() map[string]any {
	out := map[string]any{"Error": f.name}
	if f.cause != nil {
		out["Cause"] = *f.cause
	}
	return out
}

// matches says whether a Retry or Catch that names the errors applies. States.TaskFailed stands
// for every error of a task but a timeout.
func (f *failure) matches(names []string) bool {
	for _, name := range names {
		switch {
		case name == f.name, name == ErrorAll,
			name == ErrorTaskFailed && f.name != ErrorTimeout && f.name != ErrorHeartbeatTimeout,
			name == ErrorTimeout && f.name == ErrorHeartbeatTimeout:
			return true
		}
	}
	return false
}
