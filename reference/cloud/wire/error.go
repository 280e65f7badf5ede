package wire

import (
	"fmt"
	"net/http"
)

// Error is an error as a caller of an AWS API sees it.
type Error struct {
	// Status is the HTTP status, 400 if 0.
	Status int
	// Code is AWS's name of the error, such as "ResourceNotFoundException".
	Code string
	// Message is the text for people.
	Message string
	// Extra holds further members of the error's body, such as
	// "CancellationReasons".
	Extra map[string]any
}

var _ error = (*Error)(nil)

// Errorf returns an Error whose message is formatted as by fmt.Sprintf.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// status is the HTTP status with its default.
func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// UnknownOperation is the answer to an action that the service does not have.
func UnknownOperation(r *Request) *Error {
	return Errorf(http.StatusBadRequest, "UnknownOperationException",
		"the operation %q of service %s is not implemented", r.Action, r.Service)
}
