package dynamodb

import (
	"fmt"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// meter applies the capacity core to a table and its global indexes. With no limits it counts
// only.
type meter struct {
	limits Limits
	mu     struct {
		sync.Mutex
		spaces   map[uint8]*quota.Partitions // by index id, 0 is the table; empty without limits
		consumed [2]float64                  // units in all
	}
}

func newMeter(d *definition, l Limits) *meter {
	m := &meter{limits: l}
	m.mu.spaces = map[uint8]*quota.Partitions{}
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
	set := func(id uint8, t quota.Throughput) {
		if p := m.mu.spaces[id]; p != nil {
			p.Resize(now, t)
		} else {
			m.mu.spaces[id] = quota.NewPartitions(t)
		}
	}
	set(0, d.capacity(m.limits, nil))
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		set(d.IndexIDs[x.IndexName], d.capacity(m.limits, x))
	}
}

// charge is what an operation costs one space.
type charge struct {
	space uint8 // index id, 0 is the table
	hash  uint64
	units float64
}

// cost is what an operation costs a table and its indexes.
type cost struct {
	charges [4]charge // the first ones; most tables need no more
	more    []charge
	n       int
}

func (c *cost) add(space uint8, hash uint64, units float64) {
	if units == 0 {
		return
	}
	if c.n < len(c.charges) {
		c.charges[c.n] = charge{space, hash, units}
	} else {
		c.more = append(c.more, charge{space, hash, units})
	}
	c.n++
}

func (c *cost) at(i int) *charge {
	if i < len(c.charges) {
		return &c.charges[i]
	}
	return &c.more[i-len(c.charges)]
}

func (c *cost) total() (units float64) {
	for i := range c.n {
		units += c.at(i).units
	}
	return units
}

// merge adds units to the charge on the same space, to show them together.
func (c *cost) merge(ch charge) {
	for i := range c.n {
		if c.at(i).space == ch.space {
			c.at(i).units += ch.units
			return
		}
	}
	c.add(ch.space, ch.hash, ch.units)
}

// double is the cost in a transaction.
func (c *cost) double() {
	for i := range c.n {
		c.at(i).units *= 2
	}
}

// shortage is a refusal with the space it happened in.
type shortage struct {
	quota.Shortage
	space uint8
}

// admit takes all charges of a cost, or none if one space lacks capacity.
func (m *meter) admit(now time.Time, kind quota.Capacity, c *cost) *shortage {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range c.n {
		ch := c.at(i)
		if p := m.mu.spaces[ch.space]; p != nil {
			if short := p.Fits(now, kind, ch.hash, ch.units); short != nil {
				return &shortage{*short, ch.space}
			}
		}
	}
	m.take(now, kind, c)
	return nil
}

// take takes all charges of a cost, whether there is capacity or not.
func (m *meter) take(now time.Time, kind quota.Capacity, c *cost) {
	for i := range c.n {
		ch := c.at(i)
		if p := m.mu.spaces[ch.space]; p != nil {
			p.Take(now, kind, ch.hash, ch.units)
		}
		m.mu.consumed[kind] += ch.units
	}
}

// spend is take for a caller without the lock.
func (m *meter) spend(now time.Time, kind quota.Capacity, c *cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(now, kind, c)
}

// ready asks whether a read may start: its cost shows when it is done.
func (m *meter) ready(now time.Time, space uint8, hash uint64) *shortage {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.mu.spaces[space]; p != nil {
		if short := p.Fits(now, quota.ReadCapacity, hash, 0.5); short != nil {
			return &shortage{*short, space}
		}
	}
	return nil
}

func (m *meter) consumed() (read, write float64, partitions int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.mu.spaces[0]; p != nil {
		partitions = p.Len()
	}
	return m.mu.consumed[quota.ReadCapacity], m.mu.consumed[quota.WriteCapacity], partitions
}

// Sizes of capacity units in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// writeUnits is the cost of writing an item of a size; at least 1.
func writeUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// readUnits is the cost of reading a size, half if not consistent; at least one unit of it.
func readUnits(size int, consistent bool) float64 {
	u := float64(max(1, (size+readUnit-1)/readUnit))
	if !consistent {
		u /= 2
	}
	return u
}

// writeCost is the cost of changing old into now, either of which may be nil: the larger of
// both for the table, and what each index has to change.
func (t *table) writeCost(hash uint64, old, now item.Doc) (c cost) {
	c.add(0, hash, writeUnits(max(old.Size(), now.Size())))
	for i := range t.schema.Indexes {
		t.indexCost(&c, &t.schema.Indexes[i], hash, old, now)
	}
	return c
}

func (t *table) indexCost(c *cost, x *store.Index, hash uint64, old, now item.Doc) {
	had, has := x.Holds(old), x.Holds(now)
	if !had && !has {
		return
	}
	var before, after item.Doc
	space := store.Space{Table: t.schema, Index: x}
	if had {
		before = t.schema.Entry(nil, x, old)
	}
	if has {
		after = t.schema.Entry(nil, x, now)
	}
	id, hashOf := x.ID, func(d item.Doc) uint64 { return item.HashPartition(d.Get(x.Key.Hash.Name)) }
	if x.Local { // it lives in the table's partitions
		id, hashOf = 0, func(item.Doc) uint64 { return hash }
	}
	if had && has && string(space.AppendKey(nil, old)) == string(space.AppendKey(nil, now)) {
		if string(before) != string(after) {
			c.add(id, hashOf(now), writeUnits(max(before.Size(), after.Size())))
		}
		return
	}
	if had {
		c.add(id, hashOf(old), writeUnits(before.Size()))
	}
	if has {
		c.add(id, hashOf(now), writeUnits(after.Size()))
	}
}

// throttled notes a refusal and is its fault.
func (s *Service) throttled(now time.Time, t *table, short *shortage) *fault {
	resource, kind := t.definition.TableName, "table"
	for i := range t.schema.Indexes {
		if x := &t.schema.Indexes[i]; x.ID == short.space && short.space != 0 {
			resource, kind = resource+"/"+x.Name, "index"
		}
	}
	what, source := fmt.Sprintf("partition %s capacity", short.Capacity), sourcePartition
	switch {
	case short.Partition >= 0:
		resource = fmt.Sprintf("%s/partition-%d", resource, short.Partition)
	case t.definition.onDemand():
		what, source = fmt.Sprintf("on-demand %s capacity", short.Capacity), sourceTable
	default:
		what, source = fmt.Sprintf("provisioned %s capacity", short.Capacity), sourceProvision
	}
	unit := map[quota.Capacity]string{quota.ReadCapacity: "RCU/s", quota.WriteCapacity: "WCU/s"}[short.Capacity]
	s.hits.Lock()
	s.hits.Note(now, "dynamodb", what, resource, fmt.Sprintf("%g %s", short.Allowed, unit), source)
	s.hits.Unlock()
	if t.definition.onDemand() && short.Partition < 0 {
		return refuse(codeThrottling, "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html")
	}
	if kind == "index" {
		return refuse(codeThroughput, "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API")
	}
	return refuse(codeThroughput, "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
}
