package dynamodb

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// indexState is where a global index is on its way. The zero value is one that is in use.
type indexState string

// The states of an index that is added to a table, or taken from it. On the way in, calls that
// do not know it end before its back-fill begins; on the way out, calls that do know it end
// before its entries go.
const (
	indexCreating    indexState = "CREATING"
	indexBackfilling indexState = "BACKFILLING"
	indexDeleting    indexState = "DELETING"
)

// backfillItems is how many items a step of a back-fill locks.
const backfillItems = 256

// retryBuild is how long to wait after a step that failed, on a disk that is full perhaps.
const retryBuild = time.Second

// build is one index on its way.
type build struct {
	table *table
	name  string
	state indexState
}

// runBuilds brings indexes on their way, one step after another, until ctx ends. What a crash
// interrupted goes on when the service is opened again.
func (s *Service) runBuilds(ctx context.Context) {
	for ctx.Err() == nil {
		b, ok := s.nextBuild()
		if !ok {
			select {
			case <-s.builds:
			case <-ctx.Done():
			}
			continue
		}
		if err := s.step(ctx, b); err != nil && ctx.Err() == nil {
			s.log.Error("index_build", "table", b.table.definition.TableName, "index", b.name, "state", string(b.state), "error", err)
			select {
			case <-time.After(retryBuild):
			case <-ctx.Done():
			}
		}
	}
}

// wakeBuilds says that there may be something to build.
func (s *Service) wakeBuilds() {
	select {
	case s.builds <- struct{}{}:
	default:
	}
}

func (s *Service) nextBuild() (build, bool) {
	for _, t := range *s.tables.Load() {
		for name, state := range t.definition.IndexStates {
			return build{t, name, state}, true
		}
	}
	return build{}, false
}

func (s *Service) step(ctx context.Context, b build) error {
	id := b.table.definition.IndexIDs[b.name]
	switch b.state {
	case indexCreating:
		if err := s.calls.pass(ctx); err != nil {
			return err
		}
		return s.moveIndex(b, func(d *definition) { d.IndexStates[b.name] = indexBackfilling })
	case indexBackfilling:
		i := slices.IndexFunc(b.table.schema.Indexes, func(x store.Index) bool { return x.ID == id })
		done, err := s.store.Backfill(b.table.schema, &b.table.schema.Indexes[i], backfillItems)
		if err != nil || !done {
			return err
		}
		return s.moveIndex(b, func(d *definition) { delete(d.IndexStates, b.name) })
	}
	if err := s.calls.pass(ctx); err != nil {
		return err
	}
	if err := s.store.DropIndex(b.table.schema, id); err != nil {
		return err
	}
	return s.moveIndex(b, func(d *definition) { d.removeIndex(b.name) })
}

// moveIndex changes the definition of a table whose index has come a step further, unless it
// was sent another way meanwhile.
func (s *Service) moveIndex(b build, change func(d *definition)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := (*s.tables.Load())[b.table.definition.TableName]
	if t == nil || t.definition.ID != b.table.definition.ID || t.definition.IndexStates[b.name] != b.state {
		return nil
	}
	d := t.definition.clone()
	change(d)
	if err := s.saveTable(s.redefined(t, d)); err != nil {
		return err
	}
	t.meter.resize(s.now(), d)
	return nil
}

// clone is a copy whose lists and maps of indexes can be changed.
func (d *definition) clone() *definition {
	c := *d
	c.GlobalSecondaryIndexes = slices.Clone(d.GlobalSecondaryIndexes)
	c.AttributeDefinitions = slices.Clone(d.AttributeDefinitions)
	c.IndexIDs, c.IndexStates, c.Throughputs = maps.Clone(d.IndexIDs), maps.Clone(d.IndexStates), maps.Clone(d.Throughputs)
	return &c
}

// addIndexID gives an index an id that no other of the table has.
func (d *definition) addIndexID(name string) {
	taken := slices.Collect(maps.Values(d.IndexIDs))
	id := uint8(1)
	for slices.Contains(taken, id) {
		id++
	}
	if d.IndexIDs == nil {
		d.IndexIDs = map[string]uint8{}
	}
	d.IndexIDs[name] = id
}

// addIndex adds a global index on its way in.
func (d *definition) addIndex(x indexDefinition) {
	d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x)
	d.addIndexID(x.IndexName)
	d.sendIndex(x.IndexName, indexCreating)
}

// sendIndex sends a global index on its way.
func (d *definition) sendIndex(name string, s indexState) {
	if d.IndexStates == nil {
		d.IndexStates = map[string]indexState{}
	}
	d.IndexStates[name] = s
}

// removeIndex forgets a global index with the attributes that only it had as keys.
func (d *definition) removeIndex(name string) {
	d.GlobalSecondaryIndexes = slices.DeleteFunc(d.GlobalSecondaryIndexes, func(x indexDefinition) bool { return x.IndexName == name })
	delete(d.IndexIDs, name)
	delete(d.IndexStates, name)
	delete(d.Throughputs, name)
	d.pruneAttributes()
}

// pruneAttributes forgets the definitions of attributes that are part of no key.
func (d *definition) pruneAttributes() {
	used := map[string]bool{}
	note := func(keys []keyElement) {
		for _, k := range keys {
			used[k.AttributeName] = true
		}
	}
	note(d.KeySchema)
	for _, x := range slices.Concat(d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes) {
		note(x.KeySchema)
	}
	d.AttributeDefinitions = slices.DeleteFunc(d.AttributeDefinitions, func(a attributeDefinition) bool { return !used[a.AttributeName] })
}

// status is the table's, by what is on its way: it is in use again when a back-fill begins.
func (d *definition) status() string {
	for _, s := range d.IndexStates {
		if s != indexBackfilling {
			return "UPDATING"
		}
	}
	return "ACTIVE"
}
