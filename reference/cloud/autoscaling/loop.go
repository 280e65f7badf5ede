package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// loop ticks a second after every full minute, when that minute's consumption is known.
func (s *Service) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := s.now()
		timer.Reset(now.Truncate(time.Minute).Add(time.Minute + time.Second).Sub(now))
		select {
		case <-timer.C:
			s.Tick(s.now())
		case <-s.closing:
			return
		}
	}
}

// Tick follows every policy for the minute that has ended before now. Call it once a minute.
func (s *Service) Tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.sorted() {
		table, index, c, err := t.Resource.split()
		if t.Policy == nil || err != nil {
			continue
		}
		provisioned, err := s.tables.Provisioned(table, index, c)
		if err != nil {
			continue // dropped, or on demand now
		}
		consumed := s.tables.Consumed(table, index, c)
		to, change := t.tracking.Minute(now, t.scaling(), consumed, provisioned)
		if change && (to < provisioned || !t.Suspended.DynamicScalingOutSuspended) {
			s.apply(t, provisioned, to, fmt.Sprintf("%.4g of %d units were consumed a second, the target is %g %%", consumed, provisioned, t.Policy.Configuration.TargetValue))
		}
	}
}

// activity is one change of a target's capacity, or the failure of one.
type activity struct {
	ActivityID        string `json:"ActivityId"`
	ServiceNamespace  string
	ResourceID        string `json:"ResourceId"`
	ScalableDimension string
	Description       string
	Cause             string
	StartTime         float64
	EndTime           float64
	StatusCode        string
	StatusMessage     string
}

// keptActivities bounds the record.
const keptActivities = 500

// apply changes what is provisioned and records it. The caller holds the lock.
func (s *Service) apply(t *target, from, to int64, cause string) {
	table, index, c, _ := t.Resource.split()
	at := seconds(s.now())
	a := activity{uuid.NewString(), t.Resource.ServiceNamespace, t.Resource.ResourceID, t.Resource.ScalableDimension,
		fmt.Sprintf("Setting %s capacity units to %d.", c, to), cause, at, at, "Successful",
		fmt.Sprintf("Successfully set %s capacity units to %d. Change successfully fulfilled by dynamodb.", c, to)}
	if err := s.tables.Provision(table, index, c, to); err != nil {
		a.StatusCode, a.StatusMessage = "Failed", fmt.Sprintf("Failed to set %s capacity units to %d. Reason: %s", c, to, err)
		s.log.Warn("autoscaling_failed", "resource", t.Resource.ResourceID, "dimension", t.Resource.ScalableDimension, "from", from, "to", to, "error", err)
	}
	if s.mu.activities = append(s.mu.activities, a); len(s.mu.activities) > keptActivities {
		s.mu.activities = slices.Delete(s.mu.activities, 0, 1)
	}
}

type describeActivitiesOut struct{ ScalingActivities []activity }

// describeActivities lists the newest first.
func (s *Service) describeActivities(_ *wire.Request, in resourceJSON) (describeActivitiesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describeActivitiesOut{[]activity{}}
	for _, a := range slices.Backward(s.mu.activities) {
		if a.ServiceNamespace == in.ServiceNamespace && (in.ResourceID == "" || a.ResourceID == in.ResourceID) && (in.ScalableDimension == "" || a.ScalableDimension == in.ScalableDimension) {
			out.ScalingActivities = append(out.ScalingActivities, a)
		}
	}
	return out, nil
}
