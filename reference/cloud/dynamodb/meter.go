package dynamodb

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// meter applies the capacity core to a table and its global indexes. Without limits it counts
// only.
type meter struct {
	limits   Limits
	consumed [2]atomic.Int64 // in half units, which all costs are whole numbers of
	reshaped *atomic.Bool    // set when partitions were cut or a table grew
	mu       struct {
		sync.Mutex
		spaces []space // none without limits; the table comes first
	}
}

// space is what is metered by itself: the table, or a global index.
type space struct {
	id spaceID
	*quota.Partitions
	minute usage
	kept   int // of the changes of its topology, how many are durable
}

func newMeter(d *definition, l Limits, reshaped *atomic.Bool) *meter {
	m := &meter{limits: l, reshaped: reshaped}
	m.resize(time.Time{}, d)
	return m
}

// resize follows a change of the table's definition.
func (m *meter) resize(now time.Time, d *definition) {
	if m.limits.off() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.mu.spaces
	m.mu.spaces = nil
	set := func(id spaceID, t quota.Throughput) {
		for _, s := range old {
			if s.id == id {
				s.Resize(now, t)
				m.mu.spaces = append(m.mu.spaces, s)
				return
			}
		}
		m.mu.spaces = append(m.mu.spaces, space{id: id, Partitions: quota.RestorePartitions(t, d.Topologies[id])})
	}
	set(0, d.capacity(m.limits, nil))
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		set(d.IndexIDs[x.IndexName], d.capacity(m.limits, x))
	}
}

// space finds one by its id; nil if it is not metered. The caller holds the lock.
func (m *meter) space(id spaceID) *space {
	for i := range m.mu.spaces {
		if s := &m.mu.spaces[i]; s.id == id {
			return s
		}
	}
	return nil
}

// shortage is a refusal with the space it happened in.
type shortage struct {
	quota.Shortage
	space spaceID
}

// admit takes all charges of a cost, or none if one space lacks capacity: a write is refused for
// the sake of an index as it is for the table's.
func (m *meter) admit(now time.Time, kind quota.Capacity, c *cost) *shortage {
	if m.limits.off() {
		m.count(kind, c)
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range c.n {
		ch := c.at(i)
		if s := m.space(ch.space); s != nil {
			if short := s.Fits(now, kind, ch.at, ch.units); short != nil {
				return &shortage{*short, ch.space}
			}
		}
	}
	m.take(now, kind, c)
	return nil
}

// spend takes all charges of a cost, whether there is capacity or not.
func (m *meter) spend(now time.Time, kind quota.Capacity, c *cost) {
	if m.limits.off() {
		m.count(kind, c)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(now, kind, c)
}

// take is spend for a caller with the lock.
func (m *meter) take(now time.Time, kind quota.Capacity, c *cost) {
	for i := range c.n {
		ch := c.at(i)
		if s := m.space(ch.space); s != nil {
			s.Take(now, kind, ch.at, ch.units, ch.bytes)
			s.minute.note(now, kind, ch.units)
			if s.Changes() != s.kept {
				m.reshaped.Store(true)
			}
		}
	}
	m.count(kind, c)
}

func (m *meter) count(kind quota.Capacity, c *cost) { m.consumed[kind].Add(int64(2 * c.total())) }

// ready asks whether a read may start: its cost shows when it is done.
func (m *meter) ready(now time.Time, id spaceID, at quota.Position) *shortage {
	if m.limits.off() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.space(id); s != nil {
		if short := s.Fits(now, quota.ReadCapacity, at, 0.5); short != nil {
			return &shortage{*short, id}
		}
	}
	return nil
}

// spread notes the bytes that a table held when it was opened.
func (m *meter) spread(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.space(0); s != nil {
		s.Spread(bytes)
	}
}

// warm is what a space can serve at once; ok is false if it is not metered.
func (m *meter) warm(id spaceID) (units [2]float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.space(id); s != nil {
		return s.Warm(), true
	}
	return units, false
}

// partitions is the number of a space's partitions and a description of those that refused
// most.
func (m *meter) partitions(now time.Time, id spaceID, n int) (int, []quota.PartitionState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.space(id); s != nil {
		return s.Len(), s.States(now, n)
	}
	return 0, nil
}

// units is what was consumed in all.
func (m *meter) units(kind quota.Capacity) float64 { return float64(m.consumed[kind].Load()) / 2 }

// usage is what a space consumed in the running minute and in the one before.
type usage struct {
	minute  int64 // since 1970
	running [2]float64
	last    [2]float64
}

func (u *usage) note(now time.Time, kind quota.Capacity, units float64) {
	u.pass(now)
	u.running[kind] += units
}

func (u *usage) pass(now time.Time) {
	switch minute := now.Unix() / 60; {
	case minute <= u.minute: // a call of the minute before may come late
		return
	case minute == u.minute+1:
		u.minute, u.last, u.running = minute, u.running, [2]float64{}
	default:
		*u = usage{minute: minute}
	}
}

// topologies are those of all spaces, and whether one of them is new.
func (m *meter) topologies() (all map[spaceID]quota.Topology, changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all = map[spaceID]quota.Topology{}
	for i := range m.mu.spaces {
		s := &m.mu.spaces[i]
		changed = changed || s.Changes() != s.kept
		s.kept = s.Changes()
		all[s.id] = s.Topology()
	}
	return all, changed
}

// lastMinute is what a space consumed in the minute before now's, in units a second.
func (m *meter) lastMinute(now time.Time, id spaceID, kind quota.Capacity) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.space(id)
	if s == nil {
		return 0
	}
	s.minute.pass(now)
	return s.minute.last[kind] / time.Minute.Seconds()
}
