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

// minuteWork is one tenant-minute on its way to being recomputed.
type minuteWork struct {
	tenant  string
	minute  time.Time
	named   []codec.BlockRef // by the markers
	rebuild bool             // a marker names the minute but no block

	head   store.Rollup // as read or last committed; Gen 0 if there is none
	state  codec.State  // of head
	parted bool         // head has parts
	blocks map[blockKey]codec.Block

	next  *step
	trace string // correlation id of the newest request committed
	done  bool   // everything named is committed
	stop  error  // it cannot be recomputed
}

// step is the next commit of a tenant-minute.
type step struct {
	entry     *entry
	head      store.Rollup
	state     codec.State
	parts     []item
	revisions []store.Revision
	facts     int
	trace     string
}

func (w *minuteWork) name(object codec.ObjectID, e codec.MarkerEntry) {
	if len(e.Chunks) == 0 {
		w.rebuild = true
	}
	for i, digest := range e.Chunks {
		w.named = append(w.named, codec.BlockRef{Object: object, Codec: e.Codec, Shard: e.Shard, Chunk: i, Digest: digest})
	}
}

func (w *minuteWork) unix() int64 { return w.minute.Unix() / 60 }

// fresh lists the named blocks that the head does not sum yet.
func (w *minuteWork) fresh() []codec.BlockRef {
	var out []codec.BlockRef
	for _, ref := range w.named {
		if i, ok := w.state.Find(ref); !ok || w.state.Blocks[i].Digest != ref.Digest {
			out = append(out, ref)
		}
	}
	return out
}

// recompute takes a chunk of tenant-minutes to their commits, as far as it goes.
func (n *Insights) recompute(ctx context.Context, works []*minuteWork, report *Report) error {
	oldest := n.o.Now().AddDate(0, 0, -store.RecomputeDays)
	for _, w := range works {
		if w.minute.Before(oldest) {
			w.stop = fmt.Errorf("minute %s: %w", w.minute.Format(time.RFC3339), ErrTooOld)
		}
	}
	// The generation is read before any block: a commit on its condition then means that no
	// other worker has committed since, with blocks that this one has not seen.
	if err := n.readHeads(ctx, works); err != nil {
		return err
	}
	if err := n.findBlocks(ctx, works); err != nil {
		return err
	}
	if err := n.readBlocks(ctx, works); err != nil {
		return err
	}
	// Most minutes take one step; one with many order facts takes several.
	for live := works; ; {
		var entries []*entry
		var stepping []*minuteWork
		for _, w := range live {
			if w.stop == nil && !w.done && n.prepare(w) {
				stepping = append(stepping, w)
				entries = append(entries, w.next.entry)
			}
		}
		if len(stepping) == 0 || n.late(ctx) {
			return nil
		}
		if err := n.beforeCommit(ctx, stepping); err != nil {
			return err
		}
		outcomes, err := n.db.commit(ctx, entries)
		live = n.afterCommit(stepping, outcomes, report)
		if err != nil {
			return err
		}
		if err := n.removeParts(ctx, live); err != nil {
			return err
		}
	}
}

// readHeads reads the roll-ups' heads consistently, without what they sum: it is summed anew. A state of another release stops its minute.
func (n *Insights) readHeads(ctx context.Context, works []*minuteWork) error {
	keys := make([]store.Key, len(works))
	for i, w := range works {
		keys[i] = store.MinuteKey(w.tenant, w.minute)
	}
	heads, err := n.db.get(ctx, n.o.Tables.Analytics, keys, store.AttrPK, store.AttrSK, store.AttrGen, store.AttrParts, store.AttrBlocks)
	if err != nil {
		return fmt.Errorf("roll-ups: %w", err)
	}
	for i, w := range works {
		w.head.Key = keys[i]
		it, ok := heads[keys[i]]
		if !ok || w.stop != nil {
			continue
		}
		var whole bool
		if w.head, whole, w.stop = store.HeadOf(it); w.stop == nil {
			w.state, w.stop = codec.DecodeState(w.head.State)
			w.parted = !whole
		}
	}
	return nil
}

// findBlocks looks for the blocks of the minutes that are to be rebuilt.
func (n *Insights) findBlocks(ctx context.Context, works []*minuteWork) error {
	var rebuilds []*minuteWork
	var shards []store.Key
	for _, w := range works {
		if w.rebuild && w.stop == nil {
			rebuilds = append(rebuilds, w)
			shards = append(shards, store.ShardsKey(w.tenant, w.minute.Truncate(time.Hour)))
		}
	}
	if len(rebuilds) == 0 {
		return nil
	}
	counts, err := n.db.get(ctx, n.o.Tables.Analytics, shards)
	if err != nil {
		return fmt.Errorf("shard counts: %w", err)
	}
	return n.db.each(ctx, len(rebuilds), func(ctx context.Context, i int) error {
		it, ok := counts[shards[i]]
		if !ok {
			return n.findMinute(ctx, rebuilds[i], 0) // nobody has written a block in this hour
		}
		count, err := store.ParseShards(it)
		if err != nil {
			return err
		}
		return n.findMinute(ctx, rebuilds[i], count)
	})
}

func (n *Insights) findMinute(ctx context.Context, w *minuteWork, shards int) error {
	from, to := store.BlockRange(w.minute)
	var found []codec.BlockRef
	for shard := range shards {
		items, _, err := n.db.query(ctx, n.o.Tables.Analytics, span{pk: store.BlockPK(w.tenant, w.minute, shard), from: from, to: to, consistent: true})
		if err != nil {
			return fmt.Errorf("blocks: %w", err)
		}
		for _, it := range items {
			e, err := store.ParseBlock(it)
			if err == nil {
				found = append(found, e.Ref)
				err = n.keep(w, e)
			}
			if err != nil {
				w.stop = err
				return nil
			}
		}
	}
	w.named = append(w.named, found...)
	for _, ref := range w.state.Blocks {
		if !slices.ContainsFunc(found, func(f codec.BlockRef) bool {
			return f.Object == ref.Object && f.Codec == ref.Codec && f.Chunk == ref.Chunk
		}) {
			w.stop = fmt.Errorf("rebuild from %d shards: %s: %w", shards, store.BlockKey(w.tenant, w.minute, ref), ErrBlockMissing)
		}
	}
	return nil
}

// keep unpacks a block and holds it for this pass and the next ones.
func (n *Insights) keep(w *minuteWork, e store.BlockEntry) error {
	b, err := codec.Unpack(e.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", store.BlockKey(w.tenant, w.minute, e.Ref), err)
	}
	if b.Minute != w.unix() {
		return fmt.Errorf("%s: block of minute %d: %w", store.BlockKey(w.tenant, w.minute, e.Ref), b.Minute, codec.ErrCorrupt)
	}
	key := keyOfBlock(w.tenant, w.unix(), e.Ref)
	if w.blocks == nil {
		w.blocks = map[blockKey]codec.Block{}
	}
	w.blocks[key] = b
	if n.o.CacheBytes > 0 {
		n.cache.put(key, b)
	}
	return nil
}

// readBlocks brings all blocks of the minutes that have something to do, from the cache or the
// table, consistently. A missing block, or one of an unknown codec, stops its minute.
func (n *Insights) readBlocks(ctx context.Context, works []*minuteWork) error {
	var keys []store.Key
	owners := map[store.Key]*minuteWork{}
	for _, w := range works {
		if w.stop != nil {
			continue
		}
		fresh := w.fresh()
		if len(fresh) == 0 && w.state.Complete() {
			w.done = true // another worker did it, or the object was delivered again
			continue
		}
		for _, ref := range slices.Concat(w.state.Blocks, fresh) {
			if ref.Codec != codec.BlockCodec {
				w.stop = fmt.Errorf("block of codec %d: %w", ref.Codec, codec.ErrUnknownCodec)
				break
			}
			key := keyOfBlock(w.tenant, w.unix(), ref)
			if _, ok := w.blocks[key]; ok {
				continue
			}
			if b, ok := n.cache.get(key); ok {
				if w.blocks == nil {
					w.blocks = map[blockKey]codec.Block{}
				}
				w.blocks[key] = b
				continue
			}
			at := store.BlockKey(w.tenant, w.minute, ref)
			if owners[at] == nil {
				owners[at] = w
				keys = append(keys, at)
			}
		}
	}
	items, err := n.db.get(ctx, n.o.Tables.Analytics, keys)
	if err != nil {
		return fmt.Errorf("blocks: %w", err)
	}
	for _, key := range keys {
		w := owners[key]
		if w.stop != nil {
			continue
		}
		it, ok := items[key]
		if !ok {
			w.stop = fmt.Errorf("%s: %w", key, ErrBlockMissing)
			continue
		}
		e, err := store.ParseBlock(it)
		if err == nil {
			err = n.keep(w, e)
		}
		if err != nil {
			w.stop = err
			continue
		}
		w.found(e.Ref)
	}
	return nil
}

// found notes what bytes a block really has. They differ from the named ones only if the block
// was written again by a release that packs otherwise under the same codec number, which is to
// be repaired by writing it a third time: then the bytes count as fresh.
func (w *minuteWork) found(ref codec.BlockRef) {
	if i, ok := w.state.Find(ref); ok && w.state.Blocks[i].Digest != ref.Digest {
		w.state.Blocks[i].Digest, w.state.Blocks[i].Done = ref.Digest, false
	}
	for i, named := range w.named {
		if named.Object == ref.Object && named.Codec == ref.Codec && named.Chunk == ref.Chunk {
			w.named[i].Digest = ref.Digest
		}
	}
}

// Actions of a step besides its facts: the head and the hour's marker.
const stepActions = 2

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
	size := 0
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
			}
		}
		if len(some) > 0 && len(actions) > 0 && (stepActions+len(actions)+len(some) > n.db.actions || size > transactBytes/2) {
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

// afterCommit moves committed minutes on and returns them; the others keep their markers.
func (n *Insights) afterCommit(works []*minuteWork, outcomes []outcome, report *Report) []*minuteWork {
	var live []*minuteWork
	for i, w := range works {
		if outcomes[i] != committed {
			continue
		}
		s := w.next
		w.head, w.state, w.trace = s.head, s.state, s.trace
		w.next = nil
		report.Commits++
		report.Facts += s.facts
		w.parted = w.parted || len(s.parts) > 0
		live = append(live, w)
	}
	return live
}

// removeParts deletes the parts of earlier generations.
func (n *Insights) removeParts(ctx context.Context, works []*minuteWork) error {
	for _, w := range works {
		if w.parted {
			if err := n.removePartsOf(ctx, w.head.Key, w.head.Gen); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Insights) removePartsOf(ctx context.Context, head store.Key, gen int64) error {
	from, to := store.PartRange(head, gen)
	items, _, err := n.db.query(ctx, n.o.Tables.Analytics, span{pk: head.PK, from: from, to: to, attributes: []string{store.AttrPK, store.AttrSK}})
	if err != nil {
		return fmt.Errorf("old parts: %w", err)
	}
	keys := make([]store.Key, len(items))
	for i, it := range items {
		keys[i] = store.KeyOf(it)
	}
	if err := n.db.remove(ctx, n.o.Tables.Analytics, keys); err != nil {
		return fmt.Errorf("old parts: %w", err)
	}
	return nil
}
