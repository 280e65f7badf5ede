package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

func (s *Service) loadMachines() error {
	return scan(s.o.DB, key("machine", ""), func(_, v []byte) (bool, error) {
		m := &machine{}
		if err := json.Unmarshal(v, &m.machineRecord); err != nil {
			return false, fmt.Errorf("read state machine: %w", err)
		}
		var err error
		if m.checked, err = asl.Parse([]byte(m.Definition)); err != nil {
			return false, fmt.Errorf("read state machine %s: %w", m.Name, err)
		}
		s.mu.machines[m.Name] = m
		return true, nil
	})
}

// machineByARN finds a state machine.
func (s *Service) machineByARN(arn string) (*machine, error) {
	rest, err := resource(arn, "stateMachine")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mu.machines[rest[0]]
	if m == nil || len(rest) > 1 {
		return nil, wire.Errorf(400, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return m, nil
}

// check reads a definition; the error is Step Functions' own.
func (s *Service) check(definition string) (*asl.Machine, error) {
	if limit := s.o.Limits.DefinitionBytes; limit > 0 && len(definition) > limit {
		return nil, wire.Errorf(400, "InvalidDefinition", "Invalid State Machine Definition: 'INVALID_SIZE: the definition is above %d bytes'", limit)
	}
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		return nil, wire.Errorf(400, "InvalidDefinition", "Invalid State Machine Definition: '%s'", err)
	}
	return m, nil
}

// store makes a state machine durable and visible. admin is held.
func (s *Service) store(m *machine) error {
	b := &batch{Batch: s.o.DB.NewBatch()}
	b.put(machineKey(m.Name), m.machineRecord)
	b.put(definitionKey(digest(m.Definition)), []byte(m.Definition))
	if err := b.commit(pebble.Sync); err != nil {
		return fmt.Errorf("write state machine %s: %w", m.Name, err)
	}
	s.mu.Lock()
	s.mu.machines[m.Name] = m
	s.mu.Unlock()
	return nil
}

type createMachineIn struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	RoleARN    string `json:"roleArn"`
	Type       string `json:"type"`
}

type createMachineOut struct {
	ARN     string      `json:"stateMachineArn"`
	Created asl.Instant `json:"creationDate"`
}

func (s *Service) createMachine(in createMachineIn) (createMachineOut, error) {
	if err := checkName(in.Name); err != nil {
		return createMachineOut{}, err
	}
	if in.Type == "EXPRESS" {
		return createMachineOut{}, wire.Errorf(400, "StateMachineTypeNotSupported", "Express state machines are not supported here")
	}
	checked, err := s.check(in.Definition)
	if err != nil {
		return createMachineOut{}, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	m := s.mu.machines[in.Name]
	s.mu.Unlock()
	if m != nil {
		if m.Definition != in.Definition || m.RoleARN != in.RoleARN {
			return createMachineOut{}, wire.Errorf(400, "StateMachineAlreadyExists", "State Machine Already Exists: '%s'", m.ARN)
		}
		return createMachineOut{m.ARN, m.Created}, nil
	}
	now := asl.Instant{Time: s.o.Now()}
	m = &machine{checked: checked, machineRecord: machineRecord{
		ARN: s.machineARN(in.Name), Name: in.Name, Definition: in.Definition, RoleARN: in.RoleARN, Created: now, Updated: now,
	}}
	return createMachineOut{m.ARN, now}, s.store(m)
}

type updateMachineIn struct {
	ARN        string  `json:"stateMachineArn"`
	Definition *string `json:"definition"`
	RoleARN    *string `json:"roleArn"`
}

type updateMachineOut struct {
	Updated    asl.Instant `json:"updateDate"`
	RevisionID string      `json:"revisionId"`
}

func (s *Service) updateMachine(in updateMachineIn) (updateMachineOut, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	old, err := s.machineByARN(in.ARN)
	if err != nil {
		return updateMachineOut{}, err
	}
	if in.Definition == nil && in.RoleARN == nil {
		return updateMachineOut{}, wire.Errorf(400, "MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified")
	}
	m := *old
	if in.Definition != nil {
		if m.checked, err = s.check(*in.Definition); err != nil {
			return updateMachineOut{}, err
		}
		m.Definition = *in.Definition
	}
	if in.RoleARN != nil {
		m.RoleARN = *in.RoleARN
	}
	m.Updated = asl.Instant{Time: s.o.Now()}
	if m.RevisionID == "" || m.Definition != old.Definition || m.RoleARN != old.RoleARN {
		m.RevisionID = uuid.NewString()
	}
	return updateMachineOut{m.Updated, m.RevisionID}, s.store(&m)
}

type machineIn struct {
	ARN string `json:"stateMachineArn"`
}

type machineOut struct {
	ARN        string       `json:"stateMachineArn"`
	Name       string       `json:"name"`
	Status     string       `json:"status,omitempty"`
	Definition string       `json:"definition"`
	RoleARN    string       `json:"roleArn"`
	Type       string       `json:"type,omitempty"`
	Created    *asl.Instant `json:"creationDate,omitempty"`
	Updated    *asl.Instant `json:"updateDate,omitempty"`
	RevisionID string       `json:"revisionId,omitempty"`
	Logging    any          `json:"loggingConfiguration"`
	Tracing    any          `json:"tracingConfiguration"`
}

func (m *machine) out() machineOut {
	return machineOut{
		ARN: m.ARN, Name: m.Name, Definition: m.Definition, RoleARN: m.RoleARN, RevisionID: m.RevisionID,
		Logging: map[string]any{"level": "OFF", "includeExecutionData": false}, Tracing: map[string]any{"enabled": false},
	}
}

func (s *Service) describeMachine(in machineIn) (machineOut, error) {
	m, err := s.machineByARN(in.ARN)
	if err != nil {
		return machineOut{}, err
	}
	out := m.out()
	out.Status, out.Type, out.Created = "ACTIVE", "STANDARD", &m.Created
	return out, nil
}

func (s *Service) describeMachineForExecution(in executionIn) (machineOut, error) {
	p, rec, sum, err := s.execution(in.ARN)
	if err != nil {
		return machineOut{}, err
	}
	name, _, _ := strings.Cut(p, "\x00")
	definition, err := s.definition(rec.Definition)
	if err != nil {
		return machineOut{}, err
	}
	m := machine{machineRecord: machineRecord{ARN: s.machineARN(name), Name: name, Definition: definition, RoleARN: sum.Start.RoleARN}}
	out := m.out()
	out.Updated = &asl.Instant{Time: sum.StartedAt}
	return out, nil
}

func (s *Service) definition(digest string) (string, error) {
	v, closer, err := s.o.DB.Get(definitionKey(digest))
	if err != nil {
		return "", fmt.Errorf("read definition %s: %w", digest, err)
	}
	text := string(v)
	return text, closer.Close()
}

// deleteMachine removes a state machine. Its executions run on, by the definition they began with.
func (s *Service) deleteMachine(in machineIn) (struct{}, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	m, err := s.machineByARN(in.ARN)
	var gone *wire.Error
	if errors.As(err, &gone) && gone.Code == "StateMachineDoesNotExist" {
		return struct{}{}, nil
	}
	if err != nil {
		return struct{}{}, err
	}
	if err := s.o.DB.Delete(machineKey(m.Name), pebble.Sync); err != nil {
		return struct{}{}, fmt.Errorf("delete state machine %s: %w", m.Name, err)
	}
	s.mu.Lock()
	delete(s.mu.machines, m.Name)
	s.mu.Unlock()
	return struct{}{}, nil
}

type pageIn struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// size of a page: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
func (p pageIn) size() int {
	if p.MaxResults <= 0 || p.MaxResults > 1000 {
		return 100
	}
	return p.MaxResults
}

type machineItem struct {
	ARN     string      `json:"stateMachineArn"`
	Name    string      `json:"name"`
	Type    string      `json:"type"`
	Created asl.Instant `json:"creationDate"`
}

type listMachinesOut struct {
	Machines  []machineItem `json:"stateMachines"`
	NextToken string        `json:"nextToken,omitempty"`
}

func (s *Service) listMachines(in pageIn) (listMachinesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.mu.machines))
	for name := range s.mu.machines {
		if name > in.NextToken {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := listMachinesOut{Machines: []machineItem{}}
	if n := in.size(); len(names) > n {
		names = names[:n]
		out.NextToken = names[n-1]
	}
	for _, name := range names {
		m := s.mu.machines[name]
		out.Machines = append(out.Machines, machineItem{m.ARN, m.Name, "STANDARD", m.Created})
	}
	return out, nil
}

type validateIn struct {
	Definition string `json:"definition"`
}

type validateOut struct {
	Result      string       `json:"result"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

func (s *Service) validateDefinition(in validateIn) (validateOut, error) {
	_, err := asl.Parse([]byte(in.Definition))
	var faults *asl.DefinitionError
	if !errors.As(err, &faults) {
		return validateOut{Result: "OK", Diagnostics: []diagnostic{}}, nil
	}
	out := validateOut{Result: "FAIL"}
	for _, p := range faults.Problems {
		d := diagnostic{Severity: "ERROR", Message: p}
		if code, rest, ok := strings.Cut(p, ": "); ok {
			d.Code, d.Message = code, rest
			if at := strings.LastIndex(rest, " at /"); at >= 0 {
				d.Message, d.Location = rest[:at], rest[at+len(" at "):]
			}
		}
		out.Diagnostics = append(out.Diagnostics, d)
	}
	return out, nil
}
