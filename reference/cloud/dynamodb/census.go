package dynamodb

import (
	"context"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// census is what a table and its indexes held when they were counted.
type census struct {
	spaces map[uint8]holding // by index id, 0 is the table
	taken  time.Time         // when it ended
	took   time.Duration
}

// holding is what one space held.
type holding struct{ items, bytes int64 }

// A census is taken again when a table is described, but not before the last one is older than
// a hundred times what it took, so that counting takes one part in a hundred of one processor
// at most, and not before a moment has passed. AWS counts every six hours or so.
const (
	censusEffort = 100
	censusMoment = 100 * time.Millisecond
)

// censuses are the last ones of tables by their ids.
type censuses struct {
	wake chan struct{} // has room for one
	mu   struct {
		sync.Mutex
		last   map[uint32]census
		wanted map[uint32]string // names of tables to be counted
	}
}

func newCensuses() *censuses {
	c := &censuses{wake: make(chan struct{}, 1)}
	c.mu.last, c.mu.wanted = map[uint32]census{}, map[uint32]string{}
	return c
}

// of is the last census of a table, which is empty before the first. If it is old, another is
// taken, for those who ask later.
func (c *censuses) of(now time.Time, t *table) census {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.mu.last[t.definition.ID]
	if now.Sub(last.taken) >= max(censusMoment, censusEffort*last.took) {
		c.mu.wanted[t.definition.ID] = t.definition.TableName
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return last
}

// next is the name of a table that is to be counted.
func (c *censuses) next() (name string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, name := range c.mu.wanted {
		delete(c.mu.wanted, id)
		return name, true
	}
	return "", false
}

func (c *censuses) keep(id uint32, taken census) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.last[id] = taken
}

// forget drops what is known of a table that is gone.
func (c *censuses) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.mu.last, id)
	delete(c.mu.wanted, id)
}

// runCensuses counts the tables that are to be counted, one after another, until ctx ends.
func (s *Service) runCensuses(ctx context.Context) {
	for ctx.Err() == nil {
		name, ok := s.censuses.next()
		if !ok {
			select {
			case <-s.censuses.wake:
			case <-ctx.Done():
			}
			continue
		}
		if err := s.takeCensus(ctx, name); err != nil && ctx.Err() == nil {
			s.log.Error("census", "table", name, "error", err)
		}
	}
}

func (s *Service) takeCensus(ctx context.Context, name string) error {
	t := (*s.tables.Load())[name]
	if t == nil {
		return nil
	}
	began := s.now()
	taken := census{spaces: map[uint8]holding{}}
	spaces := []store.Space{{Table: t.schema}}
	for i := range t.schema.Indexes {
		spaces = append(spaces, store.Space{Table: t.schema, Index: &t.schema.Indexes[i]})
	}
	for _, space := range spaces {
		items, bytes, err := s.store.Count(ctx, space)
		if err != nil {
			return err
		}
		id := uint8(0)
		if space.Index != nil {
			id = space.Index.ID
		}
		taken.spaces[id] = holding{items, bytes}
	}
	taken.taken = s.now()
	taken.took = taken.taken.Sub(began)
	s.censuses.keep(t.definition.ID, taken)
	if now := (*s.tables.Load())[name]; now == nil || now.definition.ID != t.definition.ID {
		s.censuses.forget(t.definition.ID) // it was dropped meanwhile
	}
	return nil
}
