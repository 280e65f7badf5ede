package sqs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Keys: sqs/epoch; sqs/q/<name>; sqs/m/<queue><seq> and sqs/r/<queue><seq>, the
// numbers as eight bytes, big endian.
const (
	epochKey      = "sqs/epoch"
	queuePrefix   = "sqs/q/"
	messagePrefix = "sqs/m/"
	receiptPrefix = "sqs/r/"
)

// epochShift leaves the low bits of a sequence number for the messages of one
// opening, so that no number is given twice.
const epochShift = 40

func messageKey(prefix string, queue, seq uint64) []byte {
	k := append(make([]byte, 0, len(prefix)+16), prefix...)
	k = binary.BigEndian.AppendUint64(k, queue)
	return binary.BigEndian.AppendUint64(k, seq)
}

// load rebuilds the state from the database.
func (s *Service) load() error {
	if err := s.nextEpoch(); err != nil {
		return err
	}
	byID := make(map[uint64]*queue)
	err := s.scan(queuePrefix, func(_, value []byte) error {
		var r queueRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("decode queue: %w", err)
		}
		q, err := newQueue(r)
		if err != nil {
			return fmt.Errorf("read queue %s: %w", r.Name, err)
		}
		s.mu.queues[r.Name] = q
		byID[r.ID] = q
		return nil
	})
	if err != nil {
		return err
	}
	counts := make(map[uint64]receipts)
	err = s.scan(receiptPrefix, func(key, value []byte) error {
		r, err := decodeReceipts(value)
		counts[binary.BigEndian.Uint64(key[8:])] = r
		return err
	})
	if err != nil {
		return err
	}
	now := s.now()
	return s.scan(messagePrefix, func(key, value []byte) error {
		q, ok := byID[binary.BigEndian.Uint64(key)]
		seq := binary.BigEndian.Uint64(key[8:])
		if !ok { // sent while its queue was being deleted
			return s.forget(binary.BigEndian.Uint64(key), []uint64{seq}, pebble.NoSync)
		}
		m, err := decodeMessage(value)
		if err != nil {
			return err
		}
		r := counts[seq]
		q.mu.backlog.add(now, entry{seq: seq, sent: m.Sent, receives: r.Count, first: r.First}, m.Due)
		return nil
	})
}

// nextEpoch counts this opening. It need not wait for the disk: the log is in
// order, so nothing numbered by this epoch becomes durable before it.
func (s *Service) nextEpoch() error {
	value, closer, err := s.db.Get([]byte(epochKey))
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		return fmt.Errorf("read epoch: %w", err)
	}
	if err == nil {
		s.epoch = binary.BigEndian.Uint64(value)
		if err := closer.Close(); err != nil {
			return fmt.Errorf("read epoch: %w", err)
		}
	}
	s.epoch++
	s.mu.seq = s.epoch << epochShift
	if err := s.db.Set([]byte(epochKey), binary.BigEndian.AppendUint64(nil, s.epoch), pebble.NoSync); err != nil {
		return fmt.Errorf("write epoch: %w", err)
	}
	return nil
}

// scan calls do with each key of a prefix, without the prefix, and its value.
func (s *Service) scan(prefix string, do func(key, value []byte) error) error {
	end := []byte(prefix)
	end[len(end)-1]++
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte(prefix), UpperBound: end})
	if err != nil {
		return fmt.Errorf("scan %s: %w", prefix, err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := do(it.Key()[len(prefix):], it.Value()); err != nil {
			return errors.Join(fmt.Errorf("scan %s: %w", prefix, err), it.Close())
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("scan %s: %w", prefix, err)
	}
	return nil
}

// forget deletes messages from the database.
func (s *Service) forget(queue uint64, seqs []uint64, opts *pebble.WriteOptions) error {
	if len(seqs) == 0 {
		return nil
	}
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	for _, seq := range seqs {
		_ = b.Delete(messageKey(messagePrefix, queue, seq), nil)
		_ = b.Delete(messageKey(receiptPrefix, queue, seq), nil)
	}
	if err := s.db.Apply(b, opts); err != nil {
		return fmt.Errorf("delete messages: %w", err)
	}
	return nil
}
