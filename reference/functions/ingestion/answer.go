package ingestion

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// refuseRequest answers for the whole request; cause is for the log alone.
func refuseRequest(status int, correlation, code, message string, cause error, extra ...rest.Header) (int, []byte, error) {
	return status, rest.Refuse(status, correlation, code, message, extra...), cause
}

// refusePayload answers for a body that [rest.Request.Payload] could not give.
func refusePayload(correlation string, err error) (int, []byte, error) {
	switch {
	case errors.Is(err, rest.ErrTooLarge):
		return refuseRequest(http.StatusRequestEntityTooLarge, correlation, "body_too_large", err.Error(), err)
	case errors.Is(err, rest.ErrEncoding):
		return refuseRequest(http.StatusUnsupportedMediaType, correlation, "content_encoding_unsupported", err.Error(), err)
	}
	return refuseRequest(http.StatusBadRequest, correlation, "body_malformed", err.Error(), err)
}

// answerBatch is the body of a 207, with every index, or of a 400, with all that were refused.
func answerBatch(status int, correlation string, accepted int, results []api.EventResult) []byte {
	return rest.AnswerValue(status, correlation, api.BatchAnswer{
		Accepted: accepted, Refused: len(results) - accepted, Correlation: correlation, Results: results,
	})
}

// appendAccepted writes the [api.BatchAnswer] of a 202, the answer that has to be cheap.
func appendAccepted(out []byte, accepted int, correlation string) []byte {
	out = append(out, `{"accepted":`...)
	out = strconv.AppendInt(out, int64(accepted), 10)
	out = append(out, `,"refused":0,"correlation_id":`...)
	return append(rest.AppendString(out, correlation), '}')
}
