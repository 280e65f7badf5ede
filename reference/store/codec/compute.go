package codec

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/retailflow/stampede/reference/api"
)

// Result is what [Compute] makes of a minute's blocks.
type Result struct {
	Rollup Rollup
	// Changes lists, sorted by id, the ids whose winning content the fresh blocks decided
	// otherwise than the done blocks alone, or first.
	Changes []Change
}

// Change is one id's winner before (zero ID: none) and after the fresh blocks.
type Change struct{ Before, After Event }

// Compute is the roll-up of one tenant's minute: of all its blocks, in any order, however often
// an event occurs in them. Among equal ids the earliest (received, content) wins; every further
// content of an id counts as a conflict.
//
// The roll-up covers done and fresh alike. done are the blocks whose consequences (order facts,
// stock levels, customers) were stored before; Changes says what the fresh ones add or correct.
// Errors wrap [ErrCorrupt].
func Compute(done, fresh []Block) (Result, error) {
	total := 0
	for _, blocks := range [...][]Block{done, fresh} {
		for _, b := range blocks {
			for _, r := range b.Requests {
				total += len(r.Events)
			}
		}
	}
	c := computation{
		at:      make(map[api.ID]int32, total),
		winners: make([]winner, 0, total),
		others:  map[api.ID][]uint64{},
	}
	if err := c.add(done, false); err != nil {
		return Result{}, err
	}
	if err := c.add(fresh, true); err != nil {
		return Result{}, err
	}
	return c.result()
}

type winner struct {
	received    int64
	content     uint64
	raw         []byte
	correlation string
	before      []byte // the done blocks' winner, if the fresh ones replaced it
	changed     bool
}

type computation struct {
	at      map[api.ID]int32 // into winners
	winners []winner
	others  map[api.ID][]uint64 // distinct contents of ids that have more than one
}

func (c *computation) add(blocks []Block, fresh bool) error {
	for _, b := range blocks {
		for _, r := range b.Requests {
			for _, raw := range r.Events {
				id, content, err := peek(raw)
				if err != nil {
					return err
				}
				next := winner{received: r.ReceivedMs, content: content, raw: raw, correlation: r.Correlation}
				i, known := c.at[id]
				if !known {
					c.at[id] = int32(len(c.winners))
					next.changed = fresh
					c.winners = append(c.winners, next)
					continue
				}
				c.decide(id, &c.winners[i], next, fresh)
			}
		}
	}
	return nil
}

// decide puts next in the place of w if it is the earlier one.
func (c *computation) decide(id api.ID, w *winner, next winner, fresh bool) {
	if next.content != w.content {
		seen, ok := c.others[id]
		if !ok {
			seen = []uint64{w.content}
		}
		if !slices.Contains(seen, next.content) {
			seen = append(seen, next.content)
		}
		c.others[id] = seen
	}
	switch {
	case next.received > w.received:
		return
	case next.received == w.received && next.content > w.content:
		return
	case next.received == w.received && next.content == w.content:
		// One request retried inside the same millisecond: the trace must not depend on the order of blocks.
		if next.correlation > w.correlation {
			w.correlation = next.correlation
		}
		return
	}
	next.before, next.changed = w.before, w.changed
	if fresh && !w.changed && next.content != w.content {
		next.before, next.changed = w.raw, true
	}
	*w = next
}

func (c *computation) result() (Result, error) {
	s := newSummer()
	var out Result
	for i := range c.winners {
		w := &c.winners[i]
		e, err := DecodeEvent(w.raw)
		if err != nil {
			return Result{}, err
		}
		s.event(&e, w.received, w.correlation)
		if !w.changed {
			continue
		}
		change := Change{After: e}
		if w.before != nil {
			if change.Before, err = DecodeEvent(w.before); err != nil {
				return Result{}, fmt.Errorf("earlier content: %w", err)
			}
			if change.Before.Content == change.After.Content {
				continue // replaced and replaced back
			}
		}
		out.Changes = append(out.Changes, change)
	}
	for _, contents := range c.others {
		s.out.Conflicts += int64(len(contents) - 1)
	}
	slices.SortFunc(out.Changes, func(a, b Change) int { return bytes.Compare(a.After.ID[:], b.After.ID[:]) })
	out.Rollup = s.rollup()
	return out, nil
}
