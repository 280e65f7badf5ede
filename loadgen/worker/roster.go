package worker

import (
	"errors"
	"fmt"
	"time"
)

// State is how far a worker has come.
type State string

// The states, in their order; every one but Reported may be followed by Lost.
const (
	Joined   State = "joined"
	Ready    State = "ready" // has its shard, and its clock is known
	Running  State = "running"
	Reported State = "reported"
	Lost     State = "lost"
)

// OnLoss says what becomes of a load that lost a worker.
type OnLoss string

// The policies.
const (
	Invalid  OnLoss = "invalid"  // the rest is stopped, and the load is invalid
	Continue OnLoss = "continue" // the rest goes on; what the lost one owed counts as never sent
)

// Member is a worker as its controller knows it.
type Member struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"` // of its machine and process
	Shard   int       `json:"shard"`
	State   State     `json:"state"`
	Offset  Offset    `json:"offset"`            // of its clock, to the controller's
	Heard   time.Time `json:"heard"`             // when it was last heard of
	Lagging time.Time `json:"lagging,omitzero"`  // when it first said that it lags
	Cause   string    `json:"cause,omitempty"`   // of its loss
	Planned int64     `json:"planned,omitempty"` // requests with an outcome, at the end
	Unsent  int64     `json:"unsent,omitempty"`  // requests that it owed when it was lost
}

// Roster decides who takes part in one load. Times are the controller's. Fields are set before use.
type Roster struct {
	Want    int           // workers
	Version string        // that they must have
	Silence time.Duration // after which a worker is lost
	OnLoss  OnLoss

	Refused []string // why workers were not let in

	members []*Member // by shard
	stopped bool
}

// Hello is how a worker introduces itself.
type Hello struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Welcome answers a Hello.
type Welcome struct {
	Run   string `json:"run,omitempty"`   // subject of the load; "" if there is no place now
	Fault string `json:"fault,omitempty"` // why there never will be
}

// Join lets a worker in: ok is false if there is no place. A version that is not the controller's
// is an error, for plans are the same only within one.
func (r *Roster) Join(now time.Time, h Hello) (ok bool, err error) {
	if h.Version != r.Version {
		err := fmt.Errorf("worker %s has version %s, the controller has %s: both must be the same", h.Name, h.Version, r.Version)
		r.Refused = append(r.Refused, err.Error())
		return false, err
	}
	if m := r.find(h.ID); m != nil { // the answer to the first attempt was lost
		m.Heard = now
		return true, nil
	}
	if r.Full() || r.stopped {
		return false, nil
	}
	r.members = append(r.members, &Member{ID: h.ID, Name: h.Name, Shard: len(r.members), State: Joined, Heard: now})
	return true, nil
}

// Full says whether enough workers have joined.
func (r *Roster) Full() bool { return len(r.members) >= r.Want }

// Members returns copies, by shard.
func (r *Roster) Members() []Member {
	out := make([]Member, len(r.members))
	for i, m := range r.members {
		out[i] = *m
	}
	return out
}

func (r *Roster) find(id string) *Member {
	for _, m := range r.members {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// ErrNotExpected is that of a message from a worker that is unknown or lost, or too early.
var ErrNotExpected = errors.New("not expected from this worker now")

// Hear notes a sign of life. It is false for a worker that must stop.
func (r *Roster) Hear(now time.Time, id string) bool {
	m := r.find(id)
	if m == nil || m.State == Lost {
		return false
	}
	m.Heard = now
	return !r.stopped
}

// Prepared notes that a worker has its shard, and how its clock stands.
func (r *Roster) Prepared(now time.Time, id string, o Offset) error {
	return r.step(now, id, Joined, Ready, func(m *Member) { m.Offset = o })
}

// Begun notes that a worker knows the start.
func (r *Roster) Begun(now time.Time, id string) error {
	return r.step(now, id, Ready, Running, func(*Member) {})
}

// Progress notes interim statistics, and whether the worker finds that it lags.
func (r *Roster) Progress(now time.Time, id string, lags bool) error {
	return r.step(now, id, Running, Running, func(m *Member) {
		if lags && m.Lagging.IsZero() {
			m.Lagging = now
		}
	})
}

// Report notes that a worker is done.
func (r *Roster) Report(now time.Time, id string) error {
	return r.step(now, id, Running, Reported, func(*Member) {})
}

func (r *Roster) step(now time.Time, id string, from, to State, note func(*Member)) error {
	m := r.find(id)
	if m == nil || m.State != from {
		return ErrNotExpected
	}
	m.State, m.Heard = to, now
	note(m)
	return nil
}

// Stop ends the load for all: who joins later gets no place, who is heard is told to stop.
func (r *Roster) Stop() { r.stopped = true }

// Check finds who fell silent. One that had only joined makes room for another. A loss stops the
// rest if the policy says so.
func (r *Roster) Check(now time.Time) (lost []Member) {
	kept := r.members[:0]
	for _, m := range r.members {
		if m.State != Lost && m.State != Reported && now.Sub(m.Heard) >= r.Silence {
			cause := fmt.Sprintf("not heard for %s", r.Silence)
			if m.State == Joined {
				gone := *m
				gone.State, gone.Cause = Lost, cause
				lost = append(lost, gone)
				continue
			}
			r.lose(m, cause)
			lost = append(lost, *m)
		}
		m.Shard = len(kept)
		kept = append(kept, m)
	}
	clear(r.members[len(kept):])
	r.members = kept
	return lost
}

// Lose gives a worker up for another reason than silence.
func (r *Roster) Lose(id, cause string) {
	if m := r.find(id); m != nil && m.State != Lost && m.State != Reported {
		r.lose(m, cause)
	}
}

func (r *Roster) lose(m *Member, cause string) {
	m.State, m.Cause = Lost, cause
	if r.OnLoss != Continue {
		r.stopped = true
	}
}

// Stopped says whether the load is over for all.
func (r *Roster) Stopped() bool { return r.stopped }

// Next is when to check again; zero when nobody is waited for.
func (r *Roster) Next() (next time.Time) {
	for _, m := range r.members {
		if due := m.Heard.Add(r.Silence); m.State != Lost && m.State != Reported && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// All says whether every worker is in one of the states.
func (r *Roster) All(states ...State) bool {
	for _, m := range r.members {
		in := false
		for _, s := range states {
			in = in || m.State == s
		}
		if !in {
			return false
		}
	}
	return true
}
