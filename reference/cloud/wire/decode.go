package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Decode reads the request's JSON body into into. An empty body counts as an
// empty object, unknown members are ignored as AWS ignores them, and anything
// malformed is a SerializationException.
func Decode(r *Request, into any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return Errorf(http.StatusBadRequest, "SerializationException", "%s", explain(err))
	}
	return nil
}

// explain says what was wrong with a body without naming our types.
func explain(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("a %s at offset %d does not fit member %q", wrong.Value, wrong.Offset, wrong.Field)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("invalid JSON at offset %d: %s", syntax.Offset, syntax)
	}
	return "could not be parsed: " + err.Error()
}
