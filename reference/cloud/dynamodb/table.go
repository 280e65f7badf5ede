package dynamodb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// table is a table in use. All but its meter is immutable; an update makes another value with
// the same meter.
type table struct {
	definition *definition
	schema     *store.Table
	meter      *meter
}

// index finds an index by name.
func (t *table) index(name []byte) *store.Index {
	for i := range t.schema.Indexes {
		if t.schema.Indexes[i].Name == string(name) {
			return &t.schema.Indexes[i]
		}
	}
	return nil
}

// tables is the catalogue by name. It is never changed, only replaced.
type tables map[string]*table

// table finds a table that can be used.
func (s *Service) table(name []byte) (*table, error) {
	t := (*s.tables.Load())[string(name)]
	if t == nil {
		return nil, errTableNotFound
	}
	return t, nil
}

// loadTables reads the catalogue of a store that was just opened.
func (s *Service) loadTables() error {
	kept, err := s.store.Tables()
	if err != nil {
		return err
	}
	all, living := tables{}, map[uint32]bool{}
	for name, text := range kept {
		d := &definition{}
		if err := json.Unmarshal(text, d); err != nil {
			return fmt.Errorf("read table %s: %w", name, err)
		}
		t := s.newTable(d)
		bytes, err := s.store.Size(t.schema)
		if err != nil {
			return err
		}
		t.meter.spread(int64(bytes))
		all[name] = t
		living[d.ID] = true
	}
	s.tables.Store(&all)
	return s.store.Sweep(living)
}

func (s *Service) newTable(d *definition) *table {
	return &table{definition: d, schema: s.schema(d), meter: newMeter(d, s.limits, &s.reshaped)}
}

// redefined is the same table under another definition.
func (s *Service) redefined(t *table, d *definition) *table {
	return &table{definition: d, schema: s.schema(d), meter: t.meter}
}

// saveTable makes a definition durable, then visible. The caller holds s.mu.
func (s *Service) saveTable(t *table) error {
	text, err := json.Marshal(t.definition)
	if err != nil {
		return fmt.Errorf("encode table %s: %w", t.definition.TableName, err)
	}
	if err := s.store.SaveTable(t.definition.TableName, text); err != nil {
		return err
	}
	all := maps.Clone(*s.tables.Load())
	all[t.definition.TableName] = t
	s.tables.Store(&all)
	return nil
}

// dropTable takes a table out of the catalogue, then off the disk. The caller holds s.mu.
func (s *Service) dropTable(t *table) error {
	if err := s.store.Healthy(); err != nil { // nothing would be written, and the table stay
		return err
	}
	all := maps.Clone(*s.tables.Load())
	delete(all, t.definition.TableName)
	s.tables.Store(&all)
	s.censuses.forget(t.definition.ID)
	return s.store.DropTable(t.definition.TableName, t.definition.ID)
}

// tableNames are the names of all tables in order.
func (s *Service) tableNames() []string { return slices.Sorted(maps.Keys(*s.tables.Load())) }
