package dynamodb

import (
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// spaceID tells a table from its indexes: an index's id, 0 is the table.
type spaceID = uint8

// capacity is what the quota core needs to know of the table, or of one of its global indexes
// if x is not nil.
func (d *definition) capacity(l Limits, x *indexDefinition) quota.Throughput {
	provisioned, warm, most, key := d.ProvisionedThroughput, d.WarmThroughput, d.OnDemandThroughput, d.KeySchema
	if x != nil {
		provisioned, warm, most, key = x.ProvisionedThroughput, x.WarmThroughput, x.OnDemandThroughput, x.KeySchema
	}
	t := quota.Throughput{
		Partition:  [2]float64{l.PartitionReadUnits, l.PartitionWriteUnits},
		SplitAfter: l.SplitAfter, SplitBytes: l.SplitBytes, Doubling: l.Doubling,
		// Local indexes keep the items of a partition key together in their table.
		Divisible: len(key) > 1 && (x != nil || len(d.LocalSecondaryIndexes) == 0),
	}
	if d.onDemand() {
		t.Warm, t.Grows = [2]float64{l.OnDemandReadUnits, l.OnDemandWriteUnits}, l.Doubling > 0
		t.Account = [2]float64{l.TableReadUnits, l.TableWriteUnits}
		if most != nil {
			t.Maximum = [2]float64{float64(most.MaxReadRequestUnits), float64(most.MaxWriteRequestUnits)}
		}
	} else if provisioned != nil {
		t.Warm = [2]float64{float64(provisioned.ReadCapacityUnits), float64(provisioned.WriteCapacityUnits)}
		if l.PartitionReadUnits > 0 || l.PartitionWriteUnits > 0 {
			t.Provisioned, t.Burst = t.Warm, l.Burst
		}
	}
	if warm != nil {
		t.Warm[quota.ReadCapacity] = max(t.Warm[quota.ReadCapacity], float64(warm.ReadUnitsPerSecond))
		t.Warm[quota.WriteCapacity] = max(t.Warm[quota.WriteCapacity], float64(warm.WriteUnitsPerSecond))
	}
	return t
}

// warm is the warm throughput to describe: what the table, or an index of it, has grown to, or,
// without limits, what AWS would show.
func (s *Service) warm(t *table, x *indexDefinition) warmThroughput {
	var id spaceID
	if x != nil {
		id = t.definition.IndexIDs[x.IndexName]
	}
	units, ok := t.meter.warm(id)
	if !ok {
		units = t.definition.capacity(AWSLimits(), x).Warm
	}
	return warmThroughput{int64(units[quota.ReadCapacity]), int64(units[quota.WriteCapacity])}
}

// throughputHistory is what is kept of the changes of provisioned throughput.
type throughputHistory struct {
	Decreases quota.Decreases
	Increased time.Time
}

// provisioning is a table's throughput, or an index's if it has a name.
type provisioning struct {
	index string
	units throughput
}

// provisions lists what is provisioned.
func (d *definition) provisions() (out []provisioning) {
	if d.ProvisionedThroughput != nil {
		out = append(out, provisioning{"", *d.ProvisionedThroughput})
	}
	for _, x := range d.GlobalSecondaryIndexes {
		if x.ProvisionedThroughput != nil {
			out = append(out, provisioning{x.IndexName, *x.ProvisionedThroughput})
		}
	}
	return out
}

// provision checks what is newly provisioned against the account's quotas, and notes increases
// and decreases in a definition that follows old; old is nil for a new table. The caller holds
// s.mu.
func (s *Service) provision(now time.Time, old, d *definition) error {
	if s.limits.off() {
		return nil
	}
	before := map[string]throughput{}
	if old != nil {
		for _, p := range old.provisions() {
			before[p.index] = p.units
		}
	}
	history := map[string]throughputHistory{}
	for _, p := range d.provisions() {
		h, was := d.Throughputs[p.index], before[p.index]
		if p.units.ReadCapacityUnits > was.ReadCapacityUnits || p.units.WriteCapacityUnits > was.WriteCapacityUnits {
			if err := s.quotas(d, p); err != nil {
				return err
			}
			h.Increased = now
		}
		if p.units.ReadCapacityUnits < was.ReadCapacityUnits || p.units.WriteCapacityUnits < was.WriteCapacityUnits {
			if last := h.Decreases; !h.Decreases.Allow(now) {
				return refuse(codeLimit, "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: %d. Last decrease at %s. Next decrease can be made at %s",
					last.On(now), words(last.Last), words(last.Next(now)))
			}
		}
		history[p.index] = h
	}
	d.Throughputs = history
	return nil
}

func words(t time.Time) string {
	return t.UTC().Format("Monday, January 2, 2006 at 3:04:05 PM") + " Coordinated Universal Time"
}

// quotas refuses what a table or the account may not provision.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#default-limits-throughput
func (s *Service) quotas(d *definition, p provisioning) error {
	l := s.limits
	for _, q := range []struct {
		kind           string
		units, of      float64
		account, total float64
	}{
		{"read", float64(p.units.ReadCapacityUnits), l.TableReadUnits, l.AccountReadUnits, s.provisioned(d, func(t throughput) int64 { return t.ReadCapacityUnits })},
		{"write", float64(p.units.WriteCapacityUnits), l.TableWriteUnits, l.AccountWriteUnits, s.provisioned(d, func(t throughput) int64 { return t.WriteCapacityUnits })},
	} {
		if q.of > 0 && q.units > q.of {
			return refuse(codeLimit, "Subscriber limit exceeded: The requested %s capacity of %g units exceeds the limit of %g for a table or an index", q.kind, q.units, q.of)
		}
		if q.account > 0 && q.total > q.account {
			return refuse(codeLimit, "Subscriber limit exceeded: The %s capacity of all tables would be %g units, which exceeds the limit of %g for the account", q.kind, q.total, q.account)
		}
	}
	return nil
}

// provisioned is the sum over all tables and their indexes, with d in its table's place.
func (s *Service) provisioned(d *definition, units func(throughput) int64) (sum float64) {
	add := func(d *definition) {
		for _, p := range d.provisions() {
			sum += float64(units(p.units))
		}
	}
	for name, t := range *s.tables.Load() {
		if name != d.TableName {
			add(t.definition)
		}
	}
	add(d)
	return sum
}
