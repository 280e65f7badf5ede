package firehose

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Keys: firehose/epoch; firehose/d/<name> is a stream; firehose/r/<stream><seq>
// a record, its value the arrival in Unix milliseconds followed by the data;
// firehose/s/<stream><seq> the seal of the segment that begins there. Numbers in
// keys are eight bytes, big endian.
const (
	epochKey     = "firehose/epoch"
	streamPrefix = "firehose/d/"
	recordPrefix = "firehose/r/"
	sealPrefix   = "firehose/s/"
)

// epochShift leaves the low bits of a sequence number for the records of one
// opening, so that no number is given twice.
const epochShift = 40

// arrivalSize is the length of the arrival time before a record's data.
const arrivalSize = 8

// store is the streams, records and seals in the database.
type store struct{ db *pebble.DB }

// streamRecord is a stream as it is stored.
type streamRecord struct {
	ID      uint64 `json:"id"`
	Name    string `json:"name"`
	Created int64  `json:"created_ms"`
	Bucket  string `json:"bucket"`
	RoleARN string `json:"role_arn"`
	Prefix  string `json:"prefix"`
	Errors  string `json:"error_prefix"`
	MiB     int    `json:"size_mib"`
	Seconds int    `json:"interval_s"`
	Changes int    `json:"changes,omitempty"` // of the destination, by UpdateDestination
}

// sealRecord fixes what becomes one object.
type sealRecord struct {
	End     uint64 `json:"end"`
	Key     string `json:"key"`
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
	Opened  int64  `json:"opened_ms"`
}

func numbered(prefix string, stream, seq uint64) []byte {
	k := append(make([]byte, 0, len(prefix)+16), prefix...)
	k = binary.BigEndian.AppendUint64(k, stream)
	return binary.BigEndian.AppendUint64(k, seq)
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

// scan calls do with each key from low to high, without the prefix's length n,
// and its value.
func (s store) scan(low, high []byte, n int, do func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := do(it.Key()[n:], it.Value()); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// streams lists all streams.
func (s store) streams() (list []streamRecord, err error) {
	err = s.scan([]byte(streamPrefix), []byte("firehose/e"), 0, func(_, value []byte) error {
		var r streamRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		list = append(list, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	return list, nil
}

// put stores a stream durably.
func (s store) put(r streamRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode stream %s: %w", r.Name, err)
	}
	if err := s.db.Set([]byte(streamPrefix+r.Name), value, pebble.Sync); err != nil {
		return fmt.Errorf("write stream %s: %w", r.Name, err)
	}
	return nil
}

// drop deletes a stream with all that it buffered.
func (s store) drop(id uint64, name string) error {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	_ = b.Delete([]byte(streamPrefix+name), nil)
	for _, prefix := range [...]string{recordPrefix, sealPrefix} {
		_ = b.DeleteRange(numbered(prefix, id, 0), numbered(prefix, id+1, 0), nil)
	}
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("delete stream %s: %w", name, err)
	}
	return nil
}

// addRecord adds a record to a batch.
func addRecord(b *pebble.Batch, stream, seq uint64, arrived time.Time, data []byte) {
	op := b.SetDeferred(len(recordPrefix)+16, arrivalSize+len(data))
	k := append(op.Key[:0], recordPrefix...)
	k = binary.BigEndian.AppendUint64(k, stream)
	binary.BigEndian.AppendUint64(k, seq)
	binary.BigEndian.PutUint64(op.Value, uint64(arrived.UnixMilli()))
	copy(op.Value[arrivalSize:], data)
	_ = op.Finish()
}

// seal makes durable what a segment holds and how its object is named.
func (s store) seal(stream, first uint64, r sealRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode seal: %w", err)
	}
	if err := s.db.Set(numbered(sealPrefix, stream, first), value, pebble.Sync); err != nil {
		return fmt.Errorf("write seal: %w", err)
	}
	return nil
}

// recover calls sealed with each seal of a stream and then open with each
// record behind the last seal, in order.
func (s store) recover(stream uint64, sealed func(first uint64, r sealRecord), open func(arrived time.Time, seq uint64, n int64)) error {
	var from uint64
	err := s.scan(numbered(sealPrefix, stream, 0), numbered(sealPrefix, stream+1, 0), len(sealPrefix)+8, func(key, value []byte) error {
		var r sealRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("decode seal: %w", err)
		}
		sealed(binary.BigEndian.Uint64(key), r)
		from = max(from, r.End)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read seals: %w", err)
	}
	err = s.scan(numbered(recordPrefix, stream, from), numbered(recordPrefix, stream+1, 0), len(recordPrefix)+8, func(key, value []byte) error {
		if len(value) < arrivalSize {
			return errors.New("record without its arrival time")
		}
		arrived := time.UnixMilli(int64(binary.BigEndian.Uint64(value)))
		open(arrived, binary.BigEndian.Uint64(key), int64(len(value)-arrivalSize))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	return nil
}

// read returns the data of the records from first to before end, one behind the
// other. size is how many bytes to expect.
func (s store) read(stream, first, end uint64, size int64) ([]byte, error) {
	data := make([]byte, 0, size)
	err := s.scan(numbered(recordPrefix, stream, first), numbered(recordPrefix, stream, end), 0, func(_, value []byte) error {
		data = append(data, value[arrivalSize:]...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return data, nil
}

// remove deletes the records and the seal of a delivered segment.
func (s store) remove(stream, first, end uint64) error {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	_ = b.DeleteRange(numbered(recordPrefix, stream, first), numbered(recordPrefix, stream, end), nil)
	_ = b.Delete(numbered(sealPrefix, stream, first), nil)
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("delete delivered records: %w", err)
	}
	return nil
}
