package deploy

import (
	"fmt"
	"time"
)

// Phase of a [Rollout].
type Phase string

// The phases of a rollout.
const (
	Idle        Phase = "idle"         // no release, or an ended one
	Climbing    Phase = "climbing"     // the aliases are to be set to the rung's weight
	Judging     Phase = "judging"      // on a rung
	Promoting   Phase = "promoting"    // the aliases are to be set to the canary
	RollingBack Phase = "rolling back" // the aliases are to be set to the stable version
	Settling    Phase = "settling"     // the canary may still answer what it was asked before
	Repairing   Phase = "repairing"    // traffic is safe
)

// Rollout is the state of a release: a fold over journal records. It is pure; records carry the
// time. The zero value is idle.
type Rollout struct {
	Epoch     int64
	Phase     Phase
	Release   *Release
	Rung      int
	Since     time.Time // on this rung
	Holding   bool      // the rung's time is over
	Reason    string    // of a rollback
	Promoted  bool      // how the last release ended
	Stopwatch Stopwatch

	judge *judge
	began time.Time
	quiet time.Time // since when the canary has answered nothing, after the revert
	seen  time.Time // latest sample
}

// Apply takes a record. One of an older epoch was written by a controller that had lost already and
// does not count. Records of an ended release are forgotten at the next begin.
func (r *Rollout) Apply(rec Record) {
	if rec.Epoch < r.Epoch {
		return
	}
	r.Epoch = rec.Epoch
	switch rec.Kind {
	case KindBegin:
		release := *rec.Release
		*r = Rollout{Epoch: r.Epoch, Phase: Climbing, Release: &release, judge: newJudge(&release), began: rec.At}
		r.judge.baseline(rec.Sample)
	case KindClimb:
		r.Phase, r.Rung = Climbing, rec.Rung
	case KindClimbed:
		r.Phase, r.Rung, r.Since, r.Holding = Judging, rec.Rung, rec.At, false
		r.judge.climb()
	case KindSample:
		r.observe(rec)
	case KindHold:
		r.Holding = true
	case KindPromote:
		r.Phase = Promoting
	case KindPromoted:
		r.Phase, r.Promoted = Idle, true
	case KindRollBack:
		r.Phase, r.Reason = RollingBack, rec.Reason
		r.Stopwatch.Detected, r.Stopwatch.Decided = rec.Detected, rec.At
		if r.Stopwatch.FirstBad.IsZero() {
			r.Stopwatch.FirstBad = rec.Detected // nobody said when
		}
	case KindReverted:
		r.Phase, r.Stopwatch.Reverted, r.quiet = Settling, rec.At, rec.At
	case KindSafe:
		r.Phase = Repairing
		if r.Stopwatch.TrafficSafe.IsZero() {
			r.Stopwatch.TrafficSafe = r.Stopwatch.Reverted // nobody said when
		}
	case KindRepaired:
		r.Stopwatch.DataRepaired = rec.At
	case KindOver:
		r.Phase = Idle
	}
}

func (r *Rollout) observe(rec Record) {
	before := r.judge.canary.Requests
	r.seen = rec.At
	r.judge.observe(rec.Sample)
	if r.judge.canary.Requests != before {
		r.quiet = rec.At
	}
	for _, f := range r.Release.Functions {
		c := rec.Sample[Version{f.Name, f.Canary}]
		// A version that answered before this release has bad answers of its own.
		if first := &r.Stopwatch.FirstBad; c.FirstBad.After(r.began) && (first.IsZero() || c.FirstBad.Before(*first)) {
			*first = c.FirstBad
		}
		if last := &r.Stopwatch.TrafficSafe; c.LastBad.After(r.began) && c.LastBad.After(*last) {
			*last = c.LastBad
		}
	}
}

// Verb is what a controller has to do next.
type Verb int

// The verbs.
const (
	Done     Verb = iota // nothing: the release has ended
	SetRung              // record climb, set every alias to the rung's weight, record climbed
	Observe              // take a sample and record it, not before At
	Hold                 // record hold
	Promote              // record promote, set every alias to the canary, record promoted
	RollBack             // record roll back
	Revert               // set every alias to the stable version until all are read back, record reverted
	Safe                 // record safe
	Repair               // repair data, record over
)

// Action is the next step of a rollout.
type Action struct {
	Verb   Verb
	Rung   int
	Reason string
	Need   int64 // requests that a Hold waits for
}

// Next says what to do. settle is how long after the revert the canary must have been silent.
func (r *Rollout) Next(now time.Time, settle time.Duration) Action {
	switch r.Phase {
	case Climbing:
		return Action{Verb: SetRung, Rung: r.Rung}
	case Promoting:
		return Action{Verb: Promote}
	case RollingBack:
		return Action{Verb: Revert}
	case Settling:
		if r.seen.Sub(r.quiet) >= settle {
			return Action{Verb: Safe}
		}
		return Action{Verb: Observe}
	case Repairing:
		return Action{Verb: Repair}
	case Judging:
		return r.decide(now)
	}
	return Action{Verb: Done}
}

// decide judges the rung.
func (r *Rollout) decide(now time.Time) Action {
	if why, proved := r.judge.harm(); proved {
		return Action{Verb: RollBack, Reason: why}
	}
	if now.Sub(r.Since) < r.Release.hold(r.Rung) {
		return Action{Verb: Observe}
	}
	if function, need := r.judge.missing(); need > 0 {
		if r.Holding {
			return Action{Verb: Observe}
		}
		return Action{Verb: Hold, Need: need, Reason: fmt.Sprintf("%s has judged %d of %d requests: %d more are needed",
			function, r.Release.MinJudged-need, r.Release.MinJudged, need)}
	}
	if r.Rung+1 < len(r.Release.Ladder) {
		return Action{Verb: SetRung, Rung: r.Rung + 1, Reason: r.clear()}
	}
	return Action{Verb: Promote, Reason: r.clear()}
}

// clear words a rung that showed no harm.
func (r *Rollout) clear() string {
	if e := r.judge.excluded(); e < 1 {
		return fmt.Sprintf("no harm; an extra %.3g %% of bad answers or more is excluded", 100*e)
	}
	return "no harm; no size of harm is excluded yet"
}

// weight of the canary as it should be.
func (r *Rollout) weight() float64 {
	switch {
	case r.Phase == Judging, r.Phase == Climbing:
		return r.Release.Ladder[r.Rung].Weight
	case r.Phase == Promoting, r.Promoted:
		return 1
	}
	return 0
}
