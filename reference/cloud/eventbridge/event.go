package eventbridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Entry is an event to be put.
type Entry struct {
	Source     string          // such as "aws.s3"
	DetailType string          // such as "Object Created"
	Detail     json.RawMessage // a JSON object
	Resources  []string        // ARNs
	Time       time.Time       // when it happened; zero is now
}

// event is an event as targets get it, members in AWS's order.
//
// Source: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// event makes an entry an event, with a new id.
func (s *Service) event(now time.Time, e Entry) event {
	at := e.Time
	if at.IsZero() {
		at = now
	}
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	return event{Version: "0", ID: uuid.NewString(), DetailType: e.DetailType, Source: e.Source, Account: s.account,
		Time: at.UTC().Format(time.RFC3339), Region: s.region, Resources: resources, Detail: e.Detail}
}

// encode is the event as JSON.
func (e event) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
