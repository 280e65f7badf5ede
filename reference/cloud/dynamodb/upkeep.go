package dynamodb

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// trimEvery is how often streams are trimmed.
const trimEvery = time.Minute

// upkeep is what the service does without being asked: it removes expired items and trims
// streams. It is used by one goroutine.
type upkeep struct {
	s       *Service
	sweep   sweep
	trimmed time.Time
}

func newUpkeep(s *Service, every time.Duration) *upkeep {
	if every <= 0 {
		every = expireEvery
	}
	return &upkeep{s: s, sweep: sweep{every: every}}
}

// run works until the context ends.
func (k *upkeep) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait, err := k.work(k.s.now())
		if err != nil {
			k.s.log.Warn("dynamodb_upkeep_failed", slog.Any("error", err))
			wait = max(wait, time.Second)
		}
		timer.Reset(wait)
	}
}

// work does one step and tells how long to wait for the next.
func (k *upkeep) work(now time.Time) (wait time.Duration, err error) {
	if now.Sub(k.trimmed) >= trimEvery {
		k.trimmed = now
		err = k.s.store.TrimStreams(now)
	}
	name, from, wait := k.sweep.step(now, k.s.expiring)
	if wait > 0 {
		return min(wait, trimEvery), err
	}
	t := (*k.s.tables.Load())[name]
	if t == nil || t.definition.expiry() == "" { // gone since the pass began
		k.sweep.looked(now, 0, nil)
		return 0, err
	}
	l, looking := k.s.store.Look(t.schema, from, sweepStep, expired(now, t.definition.expiry()))
	if looking != nil {
		return 0, errors.Join(err, looking)
	}
	for keys := range slices.Chunk(l.Keys, maxBatchWrite) {
		if looking = k.s.expire(now, name, keys); looking != nil {
			return 0, errors.Join(err, looking)
		}
	}
	k.sweep.looked(now, l.Bytes, l.Next)
	return 0, err
}

// expiring names the tables with time to live.
func (s *Service) expiring() []string {
	var names []string
	for name, t := range *s.tables.Load() {
		if t.definition.expiry() != "" {
			names = append(names, name)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// expire removes the items of those keys that are still expired. It costs no capacity.
func (s *Service) expire(now time.Time, name string, keys [][]byte) error {
	defer s.calls.leave(s.calls.enter())
	t := (*s.tables.Load())[name]
	if t == nil || t.definition.expiry() == "" {
		return nil
	}
	over := expired(now, t.definition.expiry())
	u := s.store.Begin()
	u.At(now)
	if err := u.Lock(keys...); err != nil {
		return errors.Join(err, u.Release())
	}
	for _, key := range keys {
		if err := s.expireOne(u, t, key, over); err != nil {
			return errors.Join(err, u.Release())
		}
	}
	return u.Commit()
}

func (s *Service) expireOne(u *store.Unit, t *table, key []byte, over func(item.Doc) bool) error {
	if u.Contended(key) { // the next pass will find it
		return nil
	}
	old, err := u.Get(key)
	if err != nil || old == nil || !over(old) {
		return err
	}
	s.expired.Add(1)
	return u.Expire(t.schema, key, old)
}
