package processing

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// step is the next commit of a tenant-minute.
type step struct {
	entry     *entry
	head      store.Rollup
	state     codec.State
	parts     []item
	revisions []store.Revision
	facts     int
	trace     string
	fresh     []codec.Block // that it rolls up, if it is the last step
}

// Actions of a step besides its facts: the head and the hour's marker.
const stepActions = 2

// stepUnits bounds the write units of a step's facts. They all lie in one partition, which takes
// 1,000 units a second, and a transaction gets all of its units at once or none: one that asked
// for most of a second's would starve behind smaller ones for ever.
const stepUnits = 250

// factUnits are the write units of one fact: a transaction's cost is twice that of a write, which
// is a unit for each KB begun
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
func factUnits(bytes int) int { return 2 * ((bytes + 1023) / 1024) }

// prepare computes a minute's next step; false if there is none.
func (n *Insights) prepare(w *minuteWork) bool {
	state := codec.State{Blocks: slices.Clone(w.state.Blocks), Cursor: w.state.Cursor}
	if state.Complete() {
		// A transition of facts that another worker began is finished first, then the fresh blocks come in.
		for _, ref := range w.fresh() {
			ref.Done = false
			state.Add(ref)
		}
		if state.Complete() {
			w.done = true
			return false
		}
	}
	var done, rest []codec.Block
	for _, ref := range state.Blocks {
		b, ok := w.blocks[keyOfBlock(w.tenant, w.unix(), ref)]
		if !ok {
			w.stop = fmt.Errorf("%s: not read: %w", store.BlockKey(w.tenant, w.minute, ref), ErrBlockMissing)
			return false
		}
		if ref.Done {
			done = append(done, b)
		} else {
			rest = append(rest, b)
		}
	}
	result, err := n.o.Compute(done, rest)
	if err != nil {
		w.stop = err
		return false
	}
	s := &step{trace: result.Rollup.LastCorrelation}
	if state.Cursor == (api.ID{}) {
		s.revisions = revisions(w.tenant, result.Changes)
	}
	facts := n.facts(w.tenant, result.Changes, &state)
	s.facts = len(facts)
	s.state = state
	if state.Complete() {
		s.fresh = rest
	}
	s.head = store.Rollup{Key: w.head.Key, Gen: w.head.Gen + 1, Data: result.Rollup.Encode(), State: state.Encode()}
	head, parts := s.head.Items()
	s.parts = parts
	hour := store.HourMarkerKey(w.tenant, w.minute.Truncate(time.Hour))
	token := fmt.Sprintf("%s:%d", store.MinuteName(w.minute), s.head.Gen)
	s.entry = &entry{
		actions: append(facts, putHead(n.o.Tables.Analytics, head, s.head.Gen)),
		marks:   []item{store.CoarseMarkerItem(hour, token)},
		table:   n.o.Tables.Analytics,
		bytes:   itemBytes(head),
	}
	for _, a := range facts {
		if a.Put != nil {
			s.entry.bytes += itemBytes(a.Put.Item)
		}
	}
	w.next = s
	return true
}

// facts turns changes above the state's cursor into actions, as many as one transaction takes,
// and moves the cursor: to the last id taken, or to the end.
func (n *Insights) facts(tenant string, changes []codec.Change, state *codec.State) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	size, units := 0, 0
	last := state.Cursor
	for i := range changes {
		c := &changes[i]
		if bytes.Compare(c.After.ID[:], state.Cursor[:]) <= 0 {
			continue
		}
		some := n.fact(tenant, c)
		for _, a := range some {
			if a.Put != nil {
				size += itemBytes(a.Put.Item)
				units += factUnits(itemBytes(a.Put.Item))
			}
		}
		if len(some) > 0 && len(actions) > 0 && (stepActions+len(actions)+len(some) > n.db.actions || size > transactBytes/2 || units > stepUnits) {
			state.Cursor = last
			return actions
		}
		actions = append(actions, some...)
		last = c.After.ID
	}
	state.Cursor = api.ID{}
	for i := range state.Blocks {
		state.Blocks[i].Done = true
	}
	return actions
}

// fact is what one change does to the order facts: at most one delete and one put.
func (n *Insights) fact(tenant string, c *codec.Change) (actions []types.TransactWriteItem) {
	var put store.Key
	if c.After.Type.Stream() == api.Orders {
		f := store.FactOf(tenant, &c.After)
		put = f.Key()
		actions = append(actions, putAction(n.o.Tables.Core, f.Item()))
	}
	if c.Before.ID != (api.ID{}) && c.Before.Type.Stream() == api.Orders {
		if old := store.FactOf(tenant, &c.Before).Key(); old != put {
			actions = append(actions, deleteAction(n.o.Tables.Core, old))
		}
	}
	return actions
}

// revisions are what the changes say about mutable items.
func revisions(tenant string, changes []codec.Change) []store.Revision {
	var out []store.Revision
	for i := range changes {
		if rev, ok := store.RevisionOf(tenant, &changes[i].After); ok {
			out = append(out, rev)
		}
	}
	return out
}

// beforeCommit writes what must be there when a head is: parts, and mutable items, which are
// safe to write by whoever comes late, since each says itself whether it is newer.
func (n *Insights) beforeCommit(ctx context.Context, works []*minuteWork) error {
	var parts []item
	newest := map[store.Key]map[string]store.Revision{}
	for _, w := range works {
		parts = append(parts, w.next.parts...)
		for _, rev := range w.next.revisions {
			if newest[rev.Key] == nil {
				newest[rev.Key] = map[string]store.Revision{}
			}
			if rev.Version > newest[rev.Key][rev.Attr].Version {
				newest[rev.Key][rev.Attr] = rev
			}
		}
	}
	if err := n.db.put(ctx, n.o.Tables.Analytics, parts); err != nil {
		return fmt.Errorf("parts: %w", err)
	}
	byAttr := map[string][]*entry{} // a transaction names an item once, so kinds go apart
	for _, key := range slices.SortedFunc(maps.Keys(newest), func(a, b store.Key) int { return strings.Compare(a.String(), b.String()) }) {
		for attr, rev := range newest[key] {
			byAttr[attr] = append(byAttr[attr], &entry{
				actions: []types.TransactWriteItem{updateNewer(n.o.Tables.Core, rev)}, bytes: itemBytes(rev.Set),
			})
		}
	}
	for _, attr := range slices.Sorted(maps.Keys(byAttr)) {
		if err := n.db.settle(ctx, byAttr[attr]); err != nil {
			return fmt.Errorf("%s: %w", attr, err)
		}
	}
	return nil
}
