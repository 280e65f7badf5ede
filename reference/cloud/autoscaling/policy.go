package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// policy is a target-tracking policy as it is put. A target has one at most, as there is one
// metric to track.
type policy struct {
	Name          string
	Created       time.Time
	Configuration configuration
}

type configuration struct {
	TargetValue                   float64
	PredefinedMetricSpecification *predefinedMetric
	ScaleOutCooldown              *int64 `json:",omitempty"` // seconds
	ScaleInCooldown               *int64 `json:",omitempty"`
	DisableScaleIn                bool
}

type predefinedMetric struct{ PredefinedMetricType string }

// scaling is the policy in the core's form.
func (t *target) scaling() quota.ScalingPolicy {
	c := t.Policy.Configuration
	p := quota.ScalingPolicy{Min: t.Min, Max: t.Max, Target: c.TargetValue / 100, DisableScaleIn: c.DisableScaleIn || t.Suspended.DynamicScalingInSuspended}
	if c.ScaleOutCooldown != nil {
		p.ScaleOutCooldown = time.Duration(*c.ScaleOutCooldown) * time.Second
	}
	if c.ScaleInCooldown != nil {
		p.ScaleInCooldown = time.Duration(*c.ScaleInCooldown) * time.Second
	}
	return p
}

type putPolicyIn struct {
	resourceJSON
	PolicyName, PolicyType                   string
	TargetTrackingScalingPolicyConfiguration *configuration
}

type alarm struct{ AlarmName, AlarmARN string }

type putPolicyOut struct {
	PolicyARN string
	Alarms    []alarm
}

func (s *Service) putPolicy(_ *wire.Request, in putPolicyIn) (putPolicyOut, error) {
	_, _, c, err := in.resource().split()
	if err != nil {
		return putPolicyOut{}, err
	}
	cfg := in.TargetTrackingScalingPolicyConfiguration
	switch {
	case in.PolicyName == "":
		return putPolicyOut{}, invalid("1 validation error detected: Value null at 'policyName' failed to satisfy constraint: Member must not be null")
	case in.PolicyType != "TargetTrackingScaling" || cfg == nil:
		return putPolicyOut{}, invalid("DynamoDB is scaled by policies of the type TargetTrackingScaling, with their configuration")
	case cfg.TargetValue < 20 || cfg.TargetValue > 90:
		return putPolicyOut{}, invalid("Target value must be between 20 and 90 for DynamoDB metrics")
	case cfg.PredefinedMetricSpecification == nil || cfg.PredefinedMetricSpecification.PredefinedMetricType != metricOf(c):
		return putPolicyOut{}, invalid("The predefined metric of the scalable dimension %s is %s", in.ScalableDimension, metricOf(c))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.mu.targets[in.resource()]
	if old == nil {
		return putPolicyOut{}, notFound("No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s", in.ServiceNamespace, in.ResourceID, in.ScalableDimension)
	}
	if old.Policy != nil && old.Policy.Name != in.PolicyName {
		return putPolicyOut{}, invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
	}
	t := *old
	t.Policy = &policy{in.PolicyName, s.now(), *cfg}
	t.tracking = quota.TargetTracking{}
	if err := s.save(t.record); err != nil {
		return putPolicyOut{}, err
	}
	s.mu.targets[t.Resource] = &t
	return putPolicyOut{s.policyARN(&t), s.alarms(&t)}, nil
}

// metricOf is the utilization metric of a capacity.
func metricOf(c quota.Capacity) string {
	if c == quota.ReadCapacity {
		return "DynamoDBReadCapacityUtilization"
	}
	return "DynamoDBWriteCapacityUtilization"
}

func (s *Service) policyARN(t *target) string {
	return fmt.Sprintf(s.prefix+"scalingPolicy:%s:resource/dynamodb/%s:policyName/%s", "autoscaling", t.ID, t.Resource.ResourceID, t.Policy.Name)
}

// alarms are those that AWS would make for a policy; here the loop takes their part.
func (s *Service) alarms(t *target) (out []alarm) {
	for _, kind := range []string{"AlarmHigh", "AlarmLow"} {
		name := fmt.Sprintf("TargetTracking-%s-%s-%s", t.Resource.ResourceID, kind, t.ID)
		out = append(out, alarm{name, fmt.Sprintf(s.prefix+"alarm:%s", "cloudwatch", name)})
	}
	return out
}

type deletePolicyIn struct {
	resourceJSON
	PolicyName string
}

func (s *Service) deletePolicy(_ *wire.Request, in deletePolicyIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.mu.targets[in.resource()]
	if old == nil || old.Policy == nil || old.Policy.Name != in.PolicyName {
		return empty{}, notFound("No scaling policy found for service namespace: %s, resource ID: %s, scalable dimension: %s, policy name: %s", in.ServiceNamespace, in.ResourceID, in.ScalableDimension, in.PolicyName)
	}
	t := *old
	t.Policy = nil
	if err := s.save(t.record); err != nil {
		return empty{}, err
	}
	s.mu.targets[t.Resource] = &t
	return empty{}, nil
}

type policyDescription struct {
	PolicyARN, PolicyName                    string
	ServiceNamespace                         string
	ResourceID                               string `json:"ResourceId"`
	ScalableDimension, PolicyType            string
	TargetTrackingScalingPolicyConfiguration configuration
	Alarms                                   []alarm
	CreationTime                             float64
}

type describePoliciesOut struct{ ScalingPolicies []policyDescription }

func (s *Service) describePolicies(_ *wire.Request, in describeIn) (describePoliciesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describePoliciesOut{[]policyDescription{}}
	for _, t := range s.sorted() {
		if t.Policy == nil || !in.wants(t) || len(in.PolicyNames) > 0 && !slices.Contains(in.PolicyNames, t.Policy.Name) {
			continue
		}
		out.ScalingPolicies = append(out.ScalingPolicies, policyDescription{
			s.policyARN(t), t.Policy.Name, t.Resource.ServiceNamespace, t.Resource.ResourceID, t.Resource.ScalableDimension,
			"TargetTrackingScaling", t.Policy.Configuration, s.alarms(t), seconds(t.Policy.Created),
		})
	}
	return out, nil
}
