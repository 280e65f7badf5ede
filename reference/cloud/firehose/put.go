package firehose

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/bytedance/sonic"
	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// record is one record of a put.
type record struct{ Data []byte }

type putRecordInput struct {
	DeliveryStreamName string
	Record             record
}

type putRecordBatchInput struct {
	DeliveryStreamName string
	Records            []record
}

// decode reads the body of a put. sonic does it five times as fast as the
// standard library, most of it being base64, and puts are the hot path.
func decode(r *wire.Request, into any) error {
	if err := sonic.ConfigStd.Unmarshal(r.Body, into); err != nil {
		return wire.Errorf(http.StatusBadRequest, "SerializationException", "the request could not be parsed as JSON")
	}
	return nil
}

func (s *Service) putRecord(r *wire.Request) (any, error) {
	var in putRecordInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	st, err := s.find(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	list, err := s.put(st, r.Now, []record{in.Record})
	if err != nil {
		return nil, err
	}
	return map[string]any{"RecordId": recordID(list[0].seq), "Encrypted": false}, nil
}

// putRecordBatch stores the records of a call in one durable write. Records
// beyond the stream's quota fail one by one, and only they; if that is all of
// them the call fails.
func (s *Service) putRecordBatch(r *wire.Request) (any, error) {
	var in putRecordBatchInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	st, err := s.find(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	list, err := s.put(st, r.Now, in.Records)
	if err != nil {
		return nil, err
	}
	return batchAnswer(list), nil
}

// batchAnswer is the answer to a PutRecordBatch.
func batchAnswer(list []admission) json.RawMessage {
	failed := 0
	b := make([]byte, 0, 80+len(list)*40)
	b = append(b, `{"Encrypted":false,"RequestResponses":[`...)
	for i, a := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if a.refused != "" {
			failed++
			b = append(b, `{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}`...)
			continue
		}
		b = append(b, `{"RecordId":"`...)
		b = append(b, recordID(a.seq)...)
		b = append(b, `"}`...)
	}
	b = append(b, `],"FailedPutCount":`...)
	b = strconv.AppendInt(b, int64(failed), 10)
	return append(b, '}')
}

// recordID names a record to the caller.
func recordID(seq uint64) string { return strconv.FormatUint(seq, 16) }

// put takes records into a stream and returns when those it admitted are
// durable.
func (s *Service) put(st *stream, now time.Time, records []record) ([]admission, error) {
	if err := s.check(now, st.Name, records); err != nil {
		return nil, err
	}
	list, refused := st.admit(now, records)
	if refused == stoppedLimit {
		return nil, errStopped
	}
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	admitted := 0
	for i, a := range list {
		if a.refused == "" {
			admitted++
			addRecord(b, st.ID, a.seq, now, records[i].Data)
			continue
		}
		refused = a.refused
		s.hit(now, a.refused, st.Name, s.allowed(a.refused))
	}
	if list == nil {
		s.hit(now, refused, st.Name, s.allowed(refused))
	}
	if admitted == 0 {
		return nil, wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down.")
	}
	err := s.db.Apply(b, pebble.Sync)
	st.written(list, err == nil)
	if err != nil {
		return nil, fmt.Errorf("store records of stream %s: %w", st.Name, err)
	}
	return list, nil
}

var errStopped = error(wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailableException", "The stream is not active."))

// allowed writes the value of a throughput limit.
func (s *Service) allowed(limit string) string {
	switch limit {
	case "requests per second":
		return strconv.FormatFloat(s.limits.RequestsPerSecond, 'f', -1, 64) + " requests/s"
	case "records per second":
		return strconv.FormatFloat(s.limits.RecordsPerSecond, 'f', -1, 64) + " records/s"
	}
	return strconv.FormatFloat(s.limits.BytesPerSecond, 'f', -1, 64) + " bytes/s"
}

// check refuses a call that is malformed or too large as a whole.
func (s *Service) check(now time.Time, stream string, records []record) error {
	var refused error
	total := 0
	refuse := func(limit string, n int, unit, format string, args ...any) {
		s.hit(now, limit, stream, strconv.Itoa(n)+unit)
		refused = errors.Join(refused, wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", format, args...))
	}
	if len(records) == 0 {
		return wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", "Records must have length greater than or equal to 1.")
	}
	if most := orMax(s.limits.BatchRecords); len(records) > most {
		refuse("records a call", most, " records", "Records must have length less than or equal to %d, not %d.", most, len(records))
	}
	for i, r := range records {
		total += len(r.Data)
		if most := orMax(s.limits.RecordBytes); len(r.Data) > most {
			refuse("record size", most, " bytes", "Record %d must have at most %d bytes, not %d.", i, most, len(r.Data))
			break
		}
	}
	if most := orMax(s.limits.BatchBytes); total > most {
		refuse("call size", most, " bytes", "Records must have at most %d bytes together, not %d.", most, total)
	}
	return refused
}
