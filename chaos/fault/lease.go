package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is where a lease is in its life.
type State string

// The states. A lease passes through them in this order and may skip from each to reverting
// or, before anything was recorded, to gone.
const (
	Granted   State = "granted"   // its id is taken; nothing has been done
	Recorded  State = "recorded"  // its inverse is on disk; the fault may be applied
	Applied   State = "applied"   // the fault is in force
	Reverting State = "reverting" // healed or expired; the inverse is to be run until it succeeds
	Gone      State = "gone"      // a tombstone: nothing is left of the fault, and the id stays taken
)

// Errors of [Leases]. They are wrapped with the id.
var (
	ErrUsed    = errors.New("the id has been used before")
	ErrUnknown = errors.New("there is no such lease")
	ErrNotLive = errors.New("the lease is not live")
)

// Lease is a fault that is held until it is healed or until Expires.
type Lease struct {
	ID      string
	Fault   Fault
	State   State
	Expires time.Duration // on the boot clock
	Why     string        // it is not live any more: "healed", "expired", …
}

// Live says whether the lease may still be extended: it was neither healed nor has it expired.
func (l Lease) Live() bool { return l.State == Granted || l.State == Recorded || l.State == Applied }

// Leases is the state machine of an agent's leases. The first argument of its methods is the
// elapsed time of the boot clock, which runs on while a machine sleeps and which nobody sets.
// Expiry is checked before everything else, so that a lease which is over is never extended,
// however late its holder looks. The zero value is ready; it is not safe for concurrent use.
type Leases struct {
	leases map[string]*Lease
}

// Grant takes an id for a fault, for the duration For of the fault.
func (l *Leases) Grant(elapsed time.Duration, id string, f Fault) error {
	l.expire(elapsed)
	if l.leases == nil {
		l.leases = map[string]*Lease{}
	}
	if l.leases[id] != nil {
		return fmt.Errorf("grant %s: %w", id, ErrUsed)
	}
	l.leases[id] = &Lease{ID: id, Fault: f, State: Granted, Expires: elapsed + f.For}
	return nil
}

// Record notes that the inverse is on disk. Only then may the fault be applied.
func (l *Leases) Record(elapsed time.Duration, id string) error {
	return l.step(elapsed, "record", id, Granted, Recorded)
}

// Apply notes that the fault is in force. It fails with ErrNotLive if the lease was healed or
// expired while it was being applied; then it is to be reverted at once.
func (l *Leases) Apply(elapsed time.Duration, id string) error {
	return l.step(elapsed, "apply", id, Recorded, Applied)
}

func (l *Leases) step(elapsed time.Duration, verb, id string, from, to State) error {
	l.expire(elapsed)
	lease := l.leases[id]
	switch {
	case lease == nil:
		return fmt.Errorf("%s %s: %w", verb, id, ErrUnknown)
	case lease.State != from:
		return fmt.Errorf("%s %s: %w: it is %s", verb, id, ErrNotLive, lease.State)
	}
	lease.State = to
	return nil
}

// Renew makes a live lease last for more from now on, if that is longer than it would last.
func (l *Leases) Renew(elapsed time.Duration, id string, more time.Duration) error {
	l.expire(elapsed)
	lease := l.leases[id]
	switch {
	case lease == nil:
		return fmt.Errorf("renew %s: %w", id, ErrUnknown)
	case !lease.Live():
		return fmt.Errorf("renew %s: %w: it is %s", id, ErrNotLive, lease.State)
	}
	lease.Expires = max(lease.Expires, elapsed+more)
	return nil
}

// Heal ends a lease, for the reason why. One that is over already stays as it is. An id that was
// never granted becomes a tombstone, so that a grant that comes after its heal does nothing.
func (l *Leases) Heal(elapsed time.Duration, id, why string) {
	l.expire(elapsed)
	if l.leases == nil {
		l.leases = map[string]*Lease{}
	}
	lease := l.leases[id]
	if lease == nil {
		l.leases[id] = &Lease{ID: id, State: Gone, Why: why}
		return
	}
	if lease.Live() {
		lease.end(why)
	}
}

// end is the way of a live lease to its end: nothing is to be reverted before it was recorded.
func (l *Lease) end(why string) {
	l.Why = why
	if l.State == Granted {
		l.State = Gone
		return
	}
	l.State = Reverting
}

// Reverted notes that the inverse has been run to its end.
func (l *Leases) Reverted(id string) error {
	lease := l.leases[id]
	switch {
	case lease == nil:
		return fmt.Errorf("revert %s: %w", id, ErrUnknown)
	case lease.State != Reverting:
		return fmt.Errorf("revert %s: it is %s, not %s", id, lease.State, Reverting)
	}
	lease.State = Gone
	return nil
}

// Restore puts in what a journal tells of an earlier life: a lease that was recorded and not
// known to be gone is reverting, any other is a tombstone.
func (l *Leases) Restore(id string, f Fault, gone bool) {
	if l.leases == nil {
		l.leases = map[string]*Lease{}
	}
	lease := &Lease{ID: id, Fault: f, State: Reverting, Why: "agent restarted"}
	if gone {
		lease.State = Gone
	}
	l.leases[id] = lease
}

// Expire ends the leases whose time is over. It returns the ids of all that are reverting, in
// order, and how long from now until the next live lease expires; none is live if it is zero.
func (l *Leases) Expire(elapsed time.Duration) (reverting []string, next time.Duration) {
	l.expire(elapsed)
	for id, lease := range l.leases {
		switch {
		case lease.State == Reverting:
			reverting = append(reverting, id)
		case lease.Live():
			if left := lease.Expires - elapsed; next == 0 || left < next {
				next = left
			}
		}
	}
	slices.Sort(reverting)
	return reverting, next
}

func (l *Leases) expire(elapsed time.Duration) {
	for _, lease := range l.leases {
		if lease.Live() && elapsed >= lease.Expires {
			lease.end("expired")
		}
	}
}

// Get returns a lease as it is at elapsed.
func (l *Leases) Get(elapsed time.Duration, id string) (Lease, bool) {
	l.expire(elapsed)
	if lease := l.leases[id]; lease != nil {
		return *lease, true
	}
	return Lease{}, false
}

// List returns all leases, tombstones included, by id.
func (l *Leases) List(elapsed time.Duration) []Lease {
	l.expire(elapsed)
	all := make([]Lease, 0, len(l.leases))
	for _, lease := range l.leases {
		all = append(all, *lease)
	}
	slices.SortFunc(all, func(a, b Lease) int { return strings.Compare(a.ID, b.ID) })
	return all
}
