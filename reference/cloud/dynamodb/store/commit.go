package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// ErrUnavailable is the failure of a call that could not wait for a sick disk. A write that
// failed so may become durable later, or not at all.
var ErrUnavailable = errors.New("the disk does not take writes")

// commit is a batch on its way to the disk.
type commit struct {
	done chan struct{} // closed when it is durable, or has failed
	err  error         // then
}

// carry runs what makes c durable away from the caller, who thus need not wait for a disk that
// has become sick, and waits for it if the disk is well.
func (s *Store) carry(c *commit, write func() error) error {
	s.flying.Add(1)
	s.carriers.give(load{c, write, &s.flying})
	return s.await(c)
}

// await returns when c, which may be nil, is durable, or when the disk is sick before.
func (s *Store) await(c *commit) error {
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
		return c.err
	default:
	}
	select {
	case <-c.done:
		return c.err
	case <-s.disk.Sick():
		return ErrUnavailable
	}
}

// Healthy fails while the disk is sick.
func (s *Store) Healthy() error {
	select {
	case <-s.disk.Sick():
		return ErrUnavailable
	default:
		return nil
	}
}

// write commits a batch that needs no locks and returns when it is durable.
func (s *Store) write(fill func(b *pebble.Batch) error) error {
	if err := s.Healthy(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	if err := fill(b); err != nil {
		return errors.Join(err, b.Close())
	}
	return s.carry(&commit{done: make(chan struct{})}, func() error {
		return errors.Join(b.Commit(pebble.Sync), b.Close())
	})
}

// barrier returns when all that was visible before the call is durable.
func (s *Store) barrier() error {
	if s.flying.Load() == 0 {
		return nil
	}
	if err := s.Healthy(); err != nil {
		return err
	}
	return s.carry(&commit{done: make(chan struct{})}, func() error {
		return s.db.LogData(nil, pebble.Sync) // the log is one line: what was before is synced with it
	})
}

// patience is how long Close waits for a sick disk.
const patience = time.Second

// settled waits until no commit is on its way any more.
func (s *Store) settled() error {
	for deadline := time.Now().Add(patience); s.Healthy() != nil || s.flying.Load() > 0; time.Sleep(time.Millisecond) {
		if err := s.disk.Err(); err != nil && time.Now().After(deadline) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil
}
