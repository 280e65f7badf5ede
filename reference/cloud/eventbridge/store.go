package eventbridge

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Keys: events/epoch; events/o/<seq> is a delivery, the number as eight bytes,
// big endian; events/r/<name> a rule.
const (
	epochKey       = "events/epoch"
	deliveryPrefix = "events/o/"
	rulePrefix     = "events/r/"
)

// epochShift leaves the low bits of a number for the deliveries of one opening,
// so that no number is given twice.
const epochShift = 40

// store is the rules and deliveries in the database.
type store struct{ db *pebble.DB }

// deliveryRecord is a delivery as it is stored, before its payload.
type deliveryRecord struct {
	Rule       string `json:"rule"`
	Target     string `json:"target"` // ARN
	DeadLetter string `json:"dead_letter,omitempty"`
	Accepted   int64  `json:"accepted_ms"`
	Retries    int    `json:"retries"`
	AgeSeconds int64  `json:"age_s"`
}

// errCorrupt says that a stored value is not what this package writes.
var errCorrupt = errors.New("corrupt value")

func deliveryKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(deliveryPrefix), seq)
}

// encodeDelivery writes the record behind its length, then the payload.
func encodeDelivery(r deliveryRecord, payload []byte) ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode delivery: %w", err)
	}
	b := binary.AppendUvarint(make([]byte, 0, len(head)+len(payload)+4), uint64(len(head)))
	return append(append(b, head...), payload...), nil
}

// decodeDelivery reads what encodeDelivery wrote. The payload shares b.
func decodeDelivery(b []byte) (r deliveryRecord, payload []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return r, nil, fmt.Errorf("decode delivery: %w", errCorrupt)
	}
	b = b[n:]
	if err := json.Unmarshal(b[:size], &r); err != nil {
		return r, nil, fmt.Errorf("decode delivery: %w: %w", errCorrupt, err)
	}
	return r, b[size:], nil
}

// nextEpoch counts this opening. It need not wait for the disk: the log is in
// order, so nothing numbered by this epoch becomes durable before it.
func (s store) nextEpoch() (uint64, error) {
	var epoch uint64
	value, closer, err := s.db.Get([]byte(epochKey))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return 0, fmt.Errorf("read epoch: %w", err)
	default:
		epoch = binary.BigEndian.Uint64(value)
		if err := closer.Close(); err != nil {
			return 0, fmt.Errorf("read epoch: %w", err)
		}
	}
	epoch++
	if err := s.db.Set([]byte(epochKey), binary.BigEndian.AppendUint64(nil, epoch), pebble.NoSync); err != nil {
		return 0, fmt.Errorf("write epoch: %w", err)
	}
	return epoch, nil
}

// scan calls do with each key of a prefix, without the prefix, and its value.
func (s store) scan(prefix string, do func(key, value []byte) error) error {
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

// putRule stores a rule durably.
func (s store) putRule(r ruleRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode rule %s: %w", r.Name, err)
	}
	if err := s.db.Set([]byte(rulePrefix+r.Name), value, pebble.Sync); err != nil {
		return fmt.Errorf("write rule %s: %w", r.Name, err)
	}
	return nil
}

// dropRule deletes a rule durably.
func (s store) dropRule(name string) error {
	if err := s.db.Delete([]byte(rulePrefix+name), pebble.Sync); err != nil {
		return fmt.Errorf("delete rule %s: %w", name, err)
	}
	return nil
}

// delivery reads a delivery.
func (s store) delivery(seq uint64) (r deliveryRecord, payload []byte, err error) {
	value, closer, err := s.db.Get(deliveryKey(seq))
	if err != nil {
		return r, nil, fmt.Errorf("read delivery: %w", err)
	}
	r, payload, err = decodeDelivery(append([]byte(nil), value...))
	if cerr := closer.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("read delivery: %w", cerr)
	}
	return r, payload, err
}

// dropDelivery deletes a delivery. It does not wait for the disk: what a crash
// brings back is delivered once more, as at-least-once allows.
func (s store) dropDelivery(seq uint64) error {
	if err := s.db.Delete(deliveryKey(seq), pebble.NoSync); err != nil {
		return fmt.Errorf("delete delivery: %w", err)
	}
	return nil
}

// divert gives a delivery another target. It does not wait for the disk: a crash
// may bring the old target back, which is then tried once more.
func (s store) divert(seq uint64, r deliveryRecord, payload []byte) error {
	value, err := encodeDelivery(r, payload)
	if err != nil {
		return err
	}
	if err := s.db.Set(deliveryKey(seq), value, pebble.NoSync); err != nil {
		return fmt.Errorf("write delivery: %w", err)
	}
	return nil
}
