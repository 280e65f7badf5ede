package dynamodb

import (
	"fmt"
	"slices"

	"github.com/retailflow/stampede/reference/quota"
)

// of is a capacity of a throughput, to read or to change.
func (t *throughput) of(c quota.Capacity) *int64 {
	if c == quota.ReadCapacity {
		return &t.ReadCapacityUnits
	}
	return &t.WriteCapacityUnits
}

// scalable finds a provisioned table and, if index is not empty, that index's id.
func (s *Service) scalable(name, index string) (t *table, units throughput, err error) {
	if t = (*s.tables.Load())[name]; t == nil {
		return nil, units, fmt.Errorf("table %s: %w", name, errTableNotFound)
	}
	for _, p := range t.definition.provisions() {
		if p.index == index {
			return t, p.units, nil
		}
	}
	return nil, units, fmt.Errorf("table %s has no provisioned throughput of index %q: %w", name, index, errTableNotFound)
}

// Provisioned is what a table, or an index of it, is provisioned with, in units a second. It
// fails if there is none, as on demand.
func (s *Service) Provisioned(name, index string, c quota.Capacity) (int64, error) {
	_, units, err := s.scalable(name, index)
	return *units.of(c), err
}

// Provision changes what a table or an index is provisioned with, as UpdateTable does.
func (s *Service) Provision(name, index string, c quota.Capacity, to int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, units, err := s.scalable(name, index)
	if err != nil {
		return err
	}
	*units.of(c) = to
	d := *t.definition
	if index == "" {
		d.ProvisionedThroughput = &units
	} else {
		d.GlobalSecondaryIndexes = slices.Clone(d.GlobalSecondaryIndexes)
		i := slices.IndexFunc(d.GlobalSecondaryIndexes, func(x indexDefinition) bool { return x.IndexName == index })
		d.GlobalSecondaryIndexes[i].ProvisionedThroughput = &units
	}
	now := s.now()
	if err := s.provision(now, t.definition, &d); err != nil {
		return err
	}
	if err := s.saveTable(&table{definition: &d, schema: t.schema, meter: t.meter}); err != nil {
		return err
	}
	t.meter.resize(now, &d)
	return nil
}

// Consumed is what a table or an index consumed in the last whole minute, in units a second.
// Without limits, nothing is known.
func (s *Service) Consumed(name, index string, c quota.Capacity) float64 {
	t := (*s.tables.Load())[name]
	if t == nil {
		return 0
	}
	return t.meter.lastMinute(s.now(), t.definition.IndexIDs[index], c)
}
