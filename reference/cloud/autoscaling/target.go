package autoscaling

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// resource names what is scaled, as requests do.
type resource struct{ ServiceNamespace, ResourceID, ScalableDimension string }

// resourceJSON is a resource in a request.
type resourceJSON struct {
	ServiceNamespace  string
	ResourceID        string `json:"ResourceId"`
	ScalableDimension string
}

func (r resourceJSON) resource() resource { return resource(r) }

// split is the table, the index and the capacity that the names mean.
func (r resource) split() (table, index string, c quota.Capacity, err error) {
	if r.ServiceNamespace != "dynamodb" {
		return "", "", 0, invalid("1 validation error detected: Value '%s' at 'serviceNamespace' failed to satisfy constraint: only dynamodb is served here", r.ServiceNamespace)
	}
	kind := ""
	parts := strings.Split(r.ResourceID, "/")
	switch {
	case len(parts) == 2 && parts[0] == "table":
		table, kind = parts[1], "table"
	case len(parts) == 4 && parts[0] == "table" && parts[2] == "index":
		table, index, kind = parts[1], parts[3], "index"
	default:
		return "", "", 0, invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	switch r.ScalableDimension {
	case "dynamodb:" + kind + ":ReadCapacityUnits":
		return table, index, quota.ReadCapacity, nil
	case "dynamodb:" + kind + ":WriteCapacityUnits":
		return table, index, quota.WriteCapacity, nil
	}
	return "", "", 0, invalid("Unsupported service namespace, resource type or scalable dimension")
}

// target is a registered resource with its policy.
type target struct {
	record
	tracking quota.TargetTracking
}

// record is what is kept of a target.
type record struct {
	Resource  resource
	ID        string // in its ARN
	Min, Max  int64
	Created   time.Time
	Suspended suspended
	Policy    *policy `json:",omitempty"`
}

type suspended struct {
	DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended bool
}

const keyPrefix = "autoscaling/target/"

func (r resource) key() []byte {
	return []byte(keyPrefix + r.ServiceNamespace + "|" + r.ResourceID + "|" + r.ScalableDimension)
}

// load reads the targets.
func (s *Service) load() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte(keyPrefix), UpperBound: []byte(keyPrefix + "\xff")})
	if err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	for it.First(); it.Valid(); it.Next() {
		t := &target{}
		if err := json.Unmarshal(it.Value(), &t.record); err != nil {
			_ = it.Close()
			return fmt.Errorf("decode target: %w", err)
		}
		s.mu.targets[t.Resource] = t
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	return nil
}

// save makes a record durable. It is called with the lock: changes are rare.
func (s *Service) save(r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode target: %w", err)
	}
	if err := s.db.Set(r.Resource.key(), text, pebble.Sync); err != nil {
		return fmt.Errorf("write target: %w", err)
	}
	return nil
}

type registerIn struct {
	resourceJSON
	MinCapacity, MaxCapacity *int64
	SuspendedState           *suspended
}

type registerOut struct{ ScalableTargetARN string }

// registerTarget adds or changes a target. Its capacity is moved inside its bounds at once.
func (s *Service) registerTarget(_ *wire.Request, in registerIn) (registerOut, error) {
	name := in.resource()
	table, index, c, err := name.split()
	if err != nil {
		return registerOut{}, err
	}
	now, err := s.tables.Provisioned(table, index, c)
	if err != nil {
		return registerOut{}, invalid("DynamoDB table or index does not exist or is not provisioned: %s", name.ResourceID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.mu.targets[name]
	t := &target{record: record{Resource: name, ID: strings.ReplaceAll(name.ResourceID, "/", "-") + "-" + c.String(), Created: s.now()}}
	if old != nil {
		*t = *old
	} else if in.MinCapacity == nil || in.MaxCapacity == nil {
		return registerOut{}, invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
	}
	if in.MinCapacity != nil {
		t.Min = *in.MinCapacity
	}
	if in.MaxCapacity != nil {
		t.Max = *in.MaxCapacity
	}
	if in.SuspendedState != nil {
		t.Suspended = *in.SuspendedState
	}
	if t.Min < 1 || t.Max < t.Min {
		return registerOut{}, invalid("Maximum capacity cannot be less than minimum capacity, and both must be at least 1")
	}
	if err := s.save(t.record); err != nil {
		return registerOut{}, err
	}
	s.mu.targets[name] = t
	if inside := min(max(now, t.Min), t.Max); inside != now {
		s.apply(t, now, inside, fmt.Sprintf("the bounds are %d and %d", t.Min, t.Max))
	}
	return registerOut{s.targetARN(t)}, nil
}

func (s *Service) targetARN(t *target) string {
	return fmt.Sprintf(s.prefix+"scalable-target/%s", Name, t.ID)
}

type empty struct{}

func (s *Service) deregisterTarget(_ *wire.Request, in resourceJSON) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mu.targets[in.resource()]
	if t == nil {
		return empty{}, notFound("No scalable target found for service namespace: %s, resource ID: %s, scalable dimension: %s", in.ServiceNamespace, in.ResourceID, in.ScalableDimension)
	}
	if err := s.db.Delete(t.Resource.key(), pebble.Sync); err != nil {
		return empty{}, fmt.Errorf("delete target: %w", err)
	}
	delete(s.mu.targets, t.Resource)
	return empty{}, nil
}

type describeIn struct {
	resourceJSON
	ResourceIDs []string `json:"ResourceIds"`
	PolicyNames []string
}

// wants says whether a description is asked for; what is not given is not asked.
func (in describeIn) wants(t *target) bool {
	r := t.Resource
	return in.ServiceNamespace == r.ServiceNamespace && (in.ScalableDimension == "" || in.ScalableDimension == r.ScalableDimension) &&
		(in.ResourceID == "" || in.ResourceID == r.ResourceID) && (len(in.ResourceIDs) == 0 || slices.Contains(in.ResourceIDs, r.ResourceID))
}

// sorted are the targets in the order of their keys. The caller holds the lock.
func (s *Service) sorted() []*target {
	return slices.SortedFunc(maps.Values(s.mu.targets), func(a, b *target) int {
		return strings.Compare(string(a.Resource.key()), string(b.Resource.key()))
	})
}

type targetDescription struct {
	ServiceNamespace         string
	ResourceID               string `json:"ResourceId"`
	ScalableDimension        string
	MinCapacity, MaxCapacity int64
	RoleARN                  string
	CreationTime             float64
	SuspendedState           suspended
	ScalableTargetARN        string
}

type describeTargetsOut struct{ ScalableTargets []targetDescription }

func (s *Service) describeTargets(_ *wire.Request, in describeIn) (describeTargetsOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describeTargetsOut{[]targetDescription{}}
	for _, t := range s.sorted() {
		if in.wants(t) {
			out.ScalableTargets = append(out.ScalableTargets, targetDescription{
				t.Resource.ServiceNamespace, t.Resource.ResourceID, t.Resource.ScalableDimension, t.Min, t.Max,
				fmt.Sprintf("arn:aws:iam::%s:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable", wire.Account),
				seconds(t.Created), t.Suspended, s.targetARN(t),
			})
		}
	}
	return out, nil
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
