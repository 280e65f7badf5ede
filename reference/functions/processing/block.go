package processing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

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
