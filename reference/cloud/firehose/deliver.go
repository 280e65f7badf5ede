package firehose

import (
	"context"
	"fmt"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// run delivers a stream's segments, one after the other, until ctx ends.
func (s *Service) run(ctx context.Context, st *stream) {
	for ctx.Err() == nil {
		now := s.now()
		segment, wake := st.next(now)
		if segment != nil {
			s.deliver(ctx, st, segment)
			continue
		}
		var due <-chan time.Time
		timer := (*time.Timer)(nil)
		if !wake.IsZero() {
			timer = time.NewTimer(wake.Sub(now))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-st.notify:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// deliver puts a segment's object, trying until it succeeds or ctx ends.
func (s *Service) deliver(ctx context.Context, st *stream, seg *segment) {
	pause := firstRetry
	for {
		err := s.attempt(ctx, st, seg)
		if ctx.Err() != nil {
			return
		}
		st.mu.Lock()
		if err == nil {
			st.mu.buffer.delivered()
			st.mu.counters.objects++
			st.mu.counters.deliveredRecords += seg.records
			st.mu.counters.deliveredBytes += seg.bytes
			st.mu.counters.lastError = ""
			st.mu.Unlock()
			return
		}
		st.mu.counters.fails++
		st.mu.counters.lastError = err.Error()
		st.mu.Unlock()
		s.log.Warn("delivery_failed", "stream", st.Name, "retry_in", pause, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, lastRetry)
	}
}

// attempt seals a segment, puts its object and then deletes its records. Each
// step may be done again without harm. A segment of which nothing was stored
// has no object.
func (s *Service) attempt(ctx context.Context, st *stream, seg *segment) error {
	if seg.records > 0 {
		if seg.key == "" {
			seg.key = objectKey(st.Prefix, st.Name, seg.opened, seg.first)
		}
		err := s.store.seal(st.ID, seg.first, sealRecord{
			End: seg.end, Key: seg.key, Records: seg.records, Bytes: seg.bytes, Opened: seg.opened.UnixMilli()})
		if err != nil {
			return err
		}
		data, err := s.store.read(st.ID, seg.first, seg.end, seg.bytes)
		if err != nil {
			return err
		}
		if err := s.objects.Put(ctx, st.Bucket, seg.key, data); err != nil {
			return fmt.Errorf("put object %s: %w", seg.key, err)
		}
	}
	return s.store.remove(st.ID, seg.first, seg.end)
}
