package processing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

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
		live = n.afterCommit(ctx, stepping, outcomes, report)
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

// afterCommit moves committed minutes on and returns them; the others keep their markers.
func (n *Insights) afterCommit(ctx context.Context, works []*minuteWork, outcomes []outcome, report *Report) []*minuteWork {
	var live []*minuteWork
	for i, w := range works {
		if outcomes[i] != committed {
			continue
		}
		s := w.next
		w.head, w.state, w.trace = s.head, s.state, s.trace
		w.next = nil
		if n.o.Log.Enabled(ctx, slog.LevelDebug) {
			follow(ctx, n.o.Log, "minute rolled up", requestsOf(s.fresh), slog.String("tenant", w.tenant), slog.Time("minute", w.minute), slog.Int64("gen", int64(w.head.Gen)))
		}
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
