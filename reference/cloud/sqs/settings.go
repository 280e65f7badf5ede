package sqs

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// settings are a queue's attributes, as AWS names and writes them, and what
// they mean.
type settings struct {
	raw map[string]string

	visibility time.Duration
	delay      time.Duration
	wait       time.Duration
	retention  time.Duration
	maxBytes   int
	redrive    redrive
}

// redrive is a queue's RedrivePolicy; the zero value is none.
type redrive struct {
	Target      string // ARN of the dead-letter queue
	MaxReceives int
}

// seconds are the attributes that are whole seconds, with their bounds and
// defaults.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
var seconds = []struct {
	name          string
	describe      string
	low, high     int
	initial       int
	valueOfMember func(*settings) *time.Duration
}{
	{"VisibilityTimeout", "visibility timeout of queues", 0, 43_200, 30, func(s *settings) *time.Duration { return &s.visibility }},
	{"DelaySeconds", "delay of queues", 0, 900, 0, func(s *settings) *time.Duration { return &s.delay }},
	{"ReceiveMessageWaitTimeSeconds", "wait of receives", 0, 20, 0, func(s *settings) *time.Duration { return &s.wait }},
	{"MessageRetentionPeriod", "retention of queues", 60, 1_209_600, 345_600, func(s *settings) *time.Duration { return &s.retention }},
}

// stored are attributes that are kept and returned but have no effect here.
var stored = []string{"Policy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"}

// defaultMaxBytes is the default and the largest MaximumMessageSize. Same source.
const defaultMaxBytes = 1 << 20

// parseSettings reads a queue's attributes; those not given have AWS's
// defaults.
func parseSettings(raw map[string]string) (settings, error) {
	s := settings{raw: map[string]string{}, maxBytes: defaultMaxBytes}
	for _, a := range seconds {
		*a.valueOfMember(&s) = time.Duration(a.initial) * time.Second
	}
	for name, value := range raw {
		if value == "" && (name == "RedrivePolicy" || name == "Policy" || name == "RedriveAllowPolicy") {
			continue // an empty value takes the policy away
		}
		if err := s.set(name, value); err != nil {
			return settings{}, err
		}
		s.raw[name] = value
	}
	return s, nil
}

// set applies one attribute.
func (s *settings) set(name, value string) error {
	for _, a := range seconds {
		if a.name == name {
			n, err := strconv.Atoi(value)
			if err != nil || n < a.low || n > a.high {
				return invalidValue(name)
			}
			*a.valueOfMember(s) = time.Duration(n) * time.Second
			return nil
		}
	}
	switch name {
	case "MaximumMessageSize":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1024 || n > defaultMaxBytes {
			return invalidValue(name)
		}
		s.maxBytes = n
		return nil
	case "RedrivePolicy":
		return s.setRedrive(value)
	case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		if value == "false" {
			return nil
		}
		return wire.Errorf(http.StatusBadRequest, "UnsupportedOperation", "FIFO queues are not served here.")
	}
	for _, known := range stored {
		if name == known {
			return nil
		}
	}
	return wire.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
}

func (s *settings) setRedrive(value string) error {
	var policy struct {
		Target      string          `json:"deadLetterTargetArn"`
		MaxReceives json.RawMessage `json:"maxReceiveCount"` // a number, or a number in quotes
	}
	if err := json.Unmarshal([]byte(value), &policy); err != nil {
		return invalidValue("RedrivePolicy")
	}
	n, err := strconv.Atoi(strings.Trim(string(policy.MaxReceives), `"`))
	if err != nil || n < 1 || n > 1000 || queueName(policy.Target) == "" {
		return invalidValue("RedrivePolicy")
	}
	s.redrive = redrive{Target: policy.Target, MaxReceives: n}
	return nil
}

// list is the attributes as GetQueueAttributes returns them.
func (s *settings) list() map[string]string {
	all := make(map[string]string, len(s.raw)+8)
	for _, a := range seconds {
		all[a.name] = strconv.Itoa(a.initial)
	}
	all["MaximumMessageSize"] = strconv.Itoa(defaultMaxBytes)
	all["SqsManagedSseEnabled"] = "true"
	for name, value := range s.raw {
		all[name] = value
	}
	return all
}

func invalidValue(name string) error {
	return wire.Errorf(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// queueName is the last part of a queue's ARN, "" if arn is none.
func queueName(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" {
		return ""
	}
	return parts[5]
}
