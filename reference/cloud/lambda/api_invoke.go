package lambda

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// tailBytes is how much of an environment's output LogType Tail returns.
const tailBytes = 4 << 10

// serveInvoke is the Invoke operation in its three kinds.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) serveInvoke(w http.ResponseWriter, r *wire.Request, ref string) {
	h := r.HTTP.Header
	qualifier := r.HTTP.URL.Query().Get("Qualifier")
	if qualifier != "" && !validQualifier(qualifier) {
		wire.ReplyError(w, r, invalid("Value '%s' at 'qualifier' failed to satisfy constraint", qualifier))
		return
	}
	client, err := clientContext(h)
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	by := call{id: r.RequestID, trace: h.Get("X-Amzn-Trace-Id"), client: client, tail: h.Get("X-Amz-Log-Type") == "Tail"}
	switch kind := h.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		result, err := s.invoke(r.HTTP.Context(), ref, qualifier, r.Body, by)
		if err != nil {
			wire.ReplyError(w, r, err)
			return
		}
		replyResult(w, result, by.tail)
	case "Event":
		if err := s.acceptEvent(r.Now, ref, qualifier, r.Body, by); err != nil {
			wire.ReplyError(w, r, err)
			return
		}
		w.Header()["X-Amzn-Requestid"] = []string{r.RequestID}
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if _, _, err := s.target(ref, qualifier); err != nil {
			wire.ReplyError(w, r, err)
			return
		}
		w.Header()["X-Amzn-Requestid"] = []string{r.RequestID}
		w.WriteHeader(http.StatusNoContent)
	default:
		wire.ReplyError(w, r, invalid("Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", kind))
	}
}

func replyResult(w http.ResponseWriter, result Result, tail bool) {
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{result.RequestID}
	h["X-Amz-Executed-Version"] = []string{result.ExecutedVersion}
	h["Content-Type"] = []string{"application/json"}
	if result.FunctionError != "" {
		h["X-Amz-Function-Error"] = []string{result.FunctionError}
	}
	if tail {
		log := strings.Join(result.Log, "\n")
		h["X-Amz-Log-Result"] = []string{base64.StdEncoding.EncodeToString([]byte(log[max(0, len(log)-tailBytes):]))}
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(result.Payload) // a caller that is gone has been served all the same
}

// target checks that a reference and a qualifier name something, and returns them parsed.
func (s *Service) target(ref, qualifier string) (name, resolved string, err error) {
	name, own, err := parseTarget(ref)
	if err != nil {
		return "", "", err
	}
	if qualifier == "" {
		qualifier = own
	}
	_, _, err = s.resolve(name, qualifier)
	return name, qualifier, err
}

// InvokeEvent accepts an asynchronous invocation, as [Service.Invoke] takes its arguments, for
// callers in the same process. It is durable when InvokeEvent returns.
func (s *Service) InvokeEvent(function, qualifier string, payload []byte, headers http.Header) (requestID string, err error) {
	client, err := clientContext(headers)
	if err != nil {
		return "", err
	}
	by := call{id: uuid.NewString(), trace: headers.Get("X-Amzn-Trace-Id"), client: client}
	return by.id, s.acceptEvent(s.now(), function, qualifier, payload, by)
}

// acceptEvent makes an asynchronous invocation durable.
func (s *Service) acceptEvent(now time.Time, ref, qualifier string, payload []byte, by call) error {
	name, qualifier, err := s.target(ref, qualifier)
	if err != nil {
		return err
	}
	if limit := s.limits.AsyncPayload; limit > 0 && len(payload) > limit {
		s.scheduler.note("asynchronous payload", name, fmt.Sprintf("%d bytes", limit))
		return payloadTooLarge(limit)
	}
	return s.async.accept(by.id, &event{
		Function: name, Qualifier: qualifier, Payload: payload, Trace: by.trace, Client: by.client, Accepted: now,
	})
}

// clientContext checks the headers that go on to the function and decodes the client context.
func clientContext(h http.Header) (string, error) {
	if err := headerValue(h.Get("X-Amzn-Trace-Id")); err != nil {
		return "", invalid("X-Amzn-Trace-Id: %s", err)
	}
	encoded := h.Get("X-Amz-Client-Context")
	if encoded == "" {
		return "", nil
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || headerValue(string(decoded)) != nil {
		return "", wire.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	return string(decoded), nil
}
