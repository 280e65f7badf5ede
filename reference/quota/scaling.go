package quota

import (
	"math"
	"time"
)

// How the alarms of DynamoDB's auto scaling judge: minutes above the target before it scales
// out, minutes far enough below before it scales in, and how far that is.
const (
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
	ScaleOutMinutes = 2
	ScaleInMinutes  = 15
	// https://repost.aws/knowledge-center/dynamodb-auto-scaling
	ScaleInMargin = 0.20
)

// ScalingPolicy is a target-tracking policy on one capacity of a table or an index.
type ScalingPolicy struct {
	Min, Max         int64         // capacity units a second it may provision
	Target           float64       // share of what is provisioned that should be consumed: 0.2 to 0.9
	ScaleOutCooldown time.Duration // after a change, before more is provisioned; AWS's default is none
	ScaleInCooldown  time.Duration // after a change, before less is; AWS's default is none
	DisableScaleIn   bool
}

// TargetTracking decides when provisioned throughput changes, minute by minute, as two alarms
// would: one that is on after ScaleOutMinutes above the target, one after ScaleInMinutes more
// than ScaleInMargin below it. The zero value has seen nothing.
//
// A minute without any consumption counts for neither, as CloudWatch gets no data point then:
// a table without traffic is not scaled in.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
type TargetTracking struct {
	above, below int
	changed      time.Time
}

// Minute notes a minute that ended at now: the units consumed a second on its average, and what
// was provisioned. It is the capacity to provision from now on, and false if that stays. The
// caller may be unable to lower it (see Decreases); the alarm then has to come on anew.
func (t *TargetTracking) Minute(now time.Time, p ScalingPolicy, consumed float64, provisioned int64) (int64, bool) {
	if inside := min(max(provisioned, p.Min), p.Max); inside != provisioned {
		t.set(now)
		return inside, true
	}
	share := consumed / float64(provisioned)
	t.count(&t.above, share > p.Target)
	t.count(&t.below, consumed > 0 && share < p.Target-ScaleInMargin)
	want := min(max(int64(math.Ceil(consumed/p.Target)), p.Min), p.Max)
	switch since := now.Sub(t.changed); {
	case t.above >= ScaleOutMinutes && want > provisioned && (t.changed.IsZero() || since >= p.ScaleOutCooldown):
		t.set(now)
		return want, true
	case t.below >= ScaleInMinutes && want < provisioned && !p.DisableScaleIn && (t.changed.IsZero() || since >= p.ScaleInCooldown):
		t.set(now)
		return want, true
	}
	return provisioned, false
}

func (t *TargetTracking) count(n *int, on bool) {
	if on {
		*n++
	} else {
		*n = 0
	}
}

func (t *TargetTracking) set(now time.Time) { *t = TargetTracking{changed: now} }
