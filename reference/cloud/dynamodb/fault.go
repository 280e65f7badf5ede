package dynamodb

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// fault is an error as the caller of the API sees it.
type fault struct {
	status  int
	code    string // without its namespace
	message string
	members []byte // further members of the body: ,"Item":{…}
	kind    error  // what it is told by inside, or nil
}

// Unwrap is the fault's kind.
func (f *fault) Unwrap() error { return f.kind }

func (f *fault) Error() string { return f.code + ": " + f.message }

// Names of the errors.
const (
	codeValidation  = "ValidationException"
	codeSyntax      = "SerializationException"
	codeNotFound    = "ResourceNotFoundException"
	codeInUse       = "ResourceInUseException"
	codeCondition   = "ConditionalCheckFailedException"
	codeThroughput  = "ProvisionedThroughputExceededException"
	codeThrottling  = "ThrottlingException"
	codeRequests    = "RequestLimitExceeded"
	codeDuplicate   = "DuplicateItemException"
	codeConflict    = "TransactionConflictException"
	codeCancelled   = "TransactionCanceledException"
	codeRunning     = "TransactionInProgressException"
	codeMismatch    = "IdempotentParameterMismatchException"
	codeLimit       = "LimitExceededException"
	codeUnknown     = "UnknownOperationException"
	codeInternal    = "InternalServerError"
	codeDenied      = "AccessDeniedException"
	codeNoPolicy    = "PolicyNotFoundException"
	codeTrimmed     = "TrimmedDataAccessException"
	codeExpired     = "ExpiredIteratorException"
	codeNoBackups   = "TableNotFoundException"
	namespaceCoral  = "com.amazon.coral.service#"
	namespaceCheck  = "com.amazon.coral.validate#"
	namespaceDynamo = "com.amazonaws.dynamodb.v20120810#"
)

func (f *fault) namespace() string {
	switch f.code {
	case codeValidation:
		return namespaceCheck
	case codeSyntax, codeUnknown, codeDenied, "MissingAuthenticationTokenException", "IncompleteSignatureException",
		"InvalidSignatureException", "UnrecognizedClientException", "RequestAbortedException":
		return namespaceCoral
	}
	return namespaceDynamo
}

// messageMember is the name under which the message stands in the body.
func (f *fault) messageMember() string {
	if f.code == codeSyntax {
		return `,"Message":`
	}
	return `,"message":`
}

func invalid(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, code: codeValidation, message: fmt.Sprintf(format, args...)}
}

func refuse(code, format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

var errDuplicate = refuse(codeDuplicate, "Duplicate primary key exists in table")

var errTableNotFound = refuse(codeNotFound, "Requested resource not found")

func errBeingUpdated(t *table) *fault {
	return refuse(codeInUse, "Attempt to change a resource which is still in use: Table is being updated: %s", t.definition.TableName)
}

func tableNotFound(name []byte) *fault {
	return refuse(codeNotFound, "Requested resource not found: Table: %s not found", name)
}

// conditionFailed is the failure of a condition, with the item if the caller wants it.
func conditionFailed(old item.Doc, withItem bool) *fault {
	f := refuse(codeCondition, "The conditional request failed")
	if withItem && old != nil {
		f.members = item.AppendJSON([]byte(`,"Item":`), old)
	}
	return f
}

// shortCode is what a fault is called where it is one of several in an answer.
func shortCode(f *fault) string {
	switch f.code {
	case codeValidation:
		return "ValidationError"
	case codeThrottling:
		return "ThrottlingError"
	}
	return strings.TrimSuffix(f.code, "Exception")
}

// asFault is the fault of an error; one that is not a fault is internal.
func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{status: http.StatusInternalServerError, code: codeInternal, message: "Internal server error"}
}
