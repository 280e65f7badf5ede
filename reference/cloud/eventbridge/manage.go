package eventbridge

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// ruleInput is the input of all operations on rules.
type ruleInput struct {
	Name               string
	Rule               string // PutTargets, RemoveTargets, ListTargetsByRule
	EventBusName       string
	Description        string
	RoleArn            string
	EventPattern       string
	ScheduleExpression string
	State              string
	Targets            []target
	Ids                []string
	NamePrefix         string
	NextToken          string
	Limit              int
}

// knowsBus reports whether a name or ARN is that of the default bus.
func (s *Service) knowsBus(name string) bool {
	return name == "" || name == "default" || name == "arn:aws:events:"+s.region+":"+s.account+":event-bus/default"
}

func (s *Service) ruleARN(name string) string {
	return "arn:aws:events:" + s.region + ":" + s.account + ":rule/" + name
}

func missing(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ResourceNotFoundException", format, args...)
}

func unfit(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// find returns a rule of the default bus.
func (s *Service) find(bus, name string) (*rule, error) {
	if !s.knowsBus(bus) {
		return nil, missing("Event bus %s does not exist.", bus)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.mu.rules[name]
	if !ok {
		return nil, missing("Rule %s does not exist on EventBus default.", name)
	}
	return r, nil
}

// replace stores a rule durably and then lets it count.
func (s *Service) replace(record ruleRecord) error {
	r, err := record.compile()
	if err != nil {
		return err
	}
	if err := s.store.putRule(record); err != nil {
		return err
	}
	s.mu.Lock()
	s.install(r)
	s.publish()
	s.mu.Unlock()
	s.poke()
	return nil
}

var validRuleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func (s *Service) putRule(r *wire.Request, in ruleInput) (any, error) {
	switch {
	case !s.knowsBus(in.EventBusName):
		return nil, missing("Event bus %s does not exist.", in.EventBusName)
	case !validRuleName.MatchString(in.Name):
		return nil, unfit("Value %q at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", in.Name)
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return nil, unfit("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.State != "" && in.State != "ENABLED" && in.State != "DISABLED":
		return nil, unfit("Value %q at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]", in.State)
	}
	if most := orMax(s.limits.PatternBytes); len(in.EventPattern) > most {
		s.hit(r.Now, "pattern size", in.Name, strconv.Itoa(most)+" characters", busQuotas)
		return nil, unfit("Value at 'eventPattern' failed to satisfy constraint: Member must have length less than or equal to %d", most)
	}
	record := ruleRecord{Name: in.Name, Description: in.Description, RoleArn: in.RoleArn, Pattern: in.EventPattern,
		Schedule: in.ScheduleExpression, Enabled: in.State != "DISABLED", Since: r.Now.UnixMilli()}
	if _, err := record.compile(); errors.Is(err, errPattern) {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err)
	} else if err != nil {
		return nil, unfit("Parameter ScheduleExpression is not valid. %s", err)
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	old, exists := s.mu.rules[in.Name]
	count := len(s.mu.rules)
	s.mu.Unlock()
	if exists {
		record.Targets = old.Targets
		if old.Enabled && old.Schedule == record.Schedule {
			record.Since = old.Since
		}
	} else if most := orMax(s.limits.Rules); count >= most {
		s.hit(r.Now, "rules", "default", strconv.Itoa(most)+" rules", busQuotas)
		return nil, wire.Errorf(http.StatusBadRequest, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	if err := s.replace(record); err != nil {
		return nil, err
	}
	return map[string]string{"RuleArn": s.ruleARN(in.Name)}, nil
}

func (s *Service) enableRule(r *wire.Request, in ruleInput) (any, error) {
	return s.setEnabled(r, in, true)
}

func (s *Service) disableRule(r *wire.Request, in ruleInput) (any, error) {
	return s.setEnabled(r, in, false)
}

func (s *Service) setEnabled(r *wire.Request, in ruleInput, enabled bool) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	old, err := s.find(in.EventBusName, in.Name)
	if err != nil || old.Enabled == enabled {
		return nil, err
	}
	record := old.ruleRecord
	record.Enabled = enabled
	record.Since = r.Now.UnixMilli()
	return nil, s.replace(record)
}

func (s *Service) deleteRule(_ *wire.Request, in ruleInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	r, err := s.find(in.EventBusName, in.Name)
	if err != nil {
		return nil, nil // deleting what is not there is no error on AWS either
	}
	if len(r.Targets) > 0 {
		return nil, unfit("Rule can't be deleted since it has targets.")
	}
	if err := s.store.dropRule(in.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.rules, in.Name)
	delete(s.mu.due, in.Name)
	s.publish()
	return nil, nil
}

func (s *Service) describeRule(_ *wire.Request, in ruleInput) (any, error) {
	r, err := s.find(in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return s.view(r), nil
}

// view is a rule as callers see it.
func (s *Service) view(r *rule) map[string]string {
	state := "DISABLED"
	if r.Enabled {
		state = "ENABLED"
	}
	out := map[string]string{"Name": r.Name, "Arn": s.ruleARN(r.Name), "State": state, "EventBusName": "default"}
	for member, value := range map[string]string{"Description": r.Description, "RoleArn": r.RoleArn,
		"EventPattern": r.Pattern, "ScheduleExpression": r.Schedule} {
		if value != "" {
			out[member] = value
		}
	}
	return out
}

// maxListed is how many rules or targets a call lists at most.
// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html
const maxListed = 100

// page cuts out of a sorted list the part behind the token, which is the last
// key of the page before.
func page[E any](list []E, key func(E) string, token string, limit int) (part []E, next string) {
	list = slices.DeleteFunc(list, func(e E) bool { return key(e) <= token })
	if limit <= 0 || limit > maxListed {
		limit = maxListed
	}
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], key(list[limit-1])
}

func (s *Service) listRules(_ *wire.Request, in ruleInput) (any, error) {
	if !s.knowsBus(in.EventBusName) {
		return nil, missing("Event bus %s does not exist.", in.EventBusName)
	}
	s.mu.Lock()
	rules := slices.Collect(maps.Values(s.mu.rules))
	s.mu.Unlock()
	name := func(r *rule) string { return r.Name }
	slices.SortFunc(rules, func(a, b *rule) int { return strings.Compare(a.Name, b.Name) })
	rules = slices.DeleteFunc(rules, func(r *rule) bool { return !strings.HasPrefix(r.Name, in.NamePrefix) })
	rules, next := page(rules, name, in.NextToken, in.Limit)
	views := make([]map[string]string, len(rules))
	for i, r := range rules {
		views[i] = s.view(r)
	}
	return paged("Rules", views, next), nil
}

func (s *Service) listTargets(_ *wire.Request, in ruleInput) (any, error) {
	r, err := s.find(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.Targets)
	id := func(t target) string { return t.Id }
	slices.SortFunc(targets, func(a, b target) int { return strings.Compare(a.Id, b.Id) })
	targets, next := page(targets, id, in.NextToken, in.Limit)
	if targets == nil {
		targets = []target{}
	}
	return paged("Targets", targets, next), nil
}

func paged(member string, list any, next string) map[string]any {
	out := map[string]any{member: list}
	if next != "" {
		out["NextToken"] = next
	}
	return out
}

type testPatternInput struct {
	EventPattern string
	Event        string
}

// requiredMembers are what an event must have to be tested.
// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
var requiredMembers = []string{"id", "account", "source", "time", "region", "detail-type"}

func (s *Service) testPattern(_ *wire.Request, in testPatternInput) (any, error) {
	p, err := CompilePattern([]byte(in.EventPattern))
	if err != nil {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err)
	}
	event, err := parseEvent([]byte(in.Event))
	if err != nil {
		return nil, unfit("Parameter Event is not valid. Reason: %s", err)
	}
	for _, name := range requiredMembers {
		if _, ok := event[name]; !ok {
			return nil, unfit("Parameter Event is not valid. Reason: event must contain field %s.", name)
		}
	}
	return map[string]bool{"Result": p.match(event)}, nil
}
