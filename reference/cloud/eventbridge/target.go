package eventbridge

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// failedEntry is a target that could not be put or removed.
type failedEntry struct{ TargetId, ErrorCode, ErrorMessage string }

func failures(list []failedEntry) map[string]any {
	if list == nil {
		list = []failedEntry{}
	}
	return map[string]any{"FailedEntryCount": len(list), "FailedEntries": list}
}

func (s *Service) putTargets(r *wire.Request, in ruleInput) (any, error) {
	for i := range in.Targets {
		if err := in.Targets[i].validate(); err != nil {
			return nil, err
		}
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	old, err := s.find(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	record := old.ruleRecord
	record.Targets = slices.Clone(record.Targets)
	for _, t := range in.Targets {
		if i := slices.IndexFunc(record.Targets, func(o target) bool { return o.Id == t.Id }); i >= 0 {
			record.Targets[i] = t
		} else {
			record.Targets = append(record.Targets, t)
		}
	}
	if most := orMax(s.limits.TargetsPerRule); len(record.Targets) > most {
		s.hit(r.Now, "targets per rule", in.Rule, strconv.Itoa(most)+" targets", busQuotas)
		return nil, wire.Errorf(http.StatusBadRequest, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	return failures(nil), s.replace(record)
}

// validate says what is wrong with a target.
func (t *target) validate() error {
	switch {
	case t.Id == "" || len(t.Id) > 64:
		return unfit("Target id must have 1 to 64 characters.")
	case !strings.HasPrefix(t.Arn, "arn:"):
		return unfit("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case len(t.InputTransformer) > 0 && string(t.InputTransformer) != "null":
		return unfit("Input transformers are not served here.")
	case t.Input != nil && t.InputPath != nil:
		return unfit("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.Id)
	case t.Input != nil && !json.Valid([]byte(*t.Input)):
		return unfit("JSON syntax error in input for target %s.", t.Id)
	case t.InputPath != nil && *t.InputPath != "$" && !strings.HasPrefix(*t.InputPath, "$."):
		return unfit("Reference %s in InputPath of target %s is not valid.", *t.InputPath, t.Id)
	}
	if p := t.RetryPolicy; p != nil {
		// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
		if n := p.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 185) {
			return unfit("MaximumRetryAttempts must be 0 to 185.")
		}
		if n := p.MaximumEventAgeInSeconds; n != nil && (*n < 60 || *n > 86_400) {
			return unfit("MaximumEventAgeInSeconds must be 60 to 86400.")
		}
	}
	return nil
}

func (s *Service) removeTargets(_ *wire.Request, in ruleInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	old, err := s.find(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	record := old.ruleRecord
	record.Targets = slices.Clone(record.Targets)
	var failed []failedEntry
	for _, id := range in.Ids {
		before := len(record.Targets)
		record.Targets = slices.DeleteFunc(record.Targets, func(t target) bool { return t.Id == id })
		if len(record.Targets) == before {
			failed = append(failed, failedEntry{id, "ResourceNotFoundException", "Rule " + in.Rule + " does not have target " + id + "."})
		}
	}
	return failures(failed), s.replace(record)
}
