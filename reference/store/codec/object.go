package codec

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protowire"
)

// ObjectID names one S3 object inside keys: a 128-bit hash of its bucket and key.
type ObjectID [16]byte

// ObjectIDOf names an object.
func ObjectIDOf(bucket, key string) ObjectID {
	return xxh3.HashString128(bucket + "/" + key).Bytes()
}

// ParseObjectID reads the 32 hexadecimal digits of [ObjectID.String].
func ParseObjectID(text string) (ObjectID, error) {
	var o ObjectID
	if len(text) != 2*len(o) {
		return o, fmt.Errorf("object id %q: %w", text, ErrCorrupt)
	}
	if _, err := hex.Decode(o[:], []byte(text)); err != nil {
		return o, fmt.Errorf("object id %q: %w", text, ErrCorrupt)
	}
	return o, nil
}

// String is 32 hexadecimal digits.
func (o ObjectID) String() string { return hex.EncodeToString(o[:]) }

// Request is what one accepted HTTP request brought for one tenant-minute.
type Request struct {
	ReceivedMs  int64 // when ingestion accepted it, Unix milliseconds
	Correlation string
	Version     string   // executed version of the ingesting function
	Events      [][]byte // messages of the API's Event, undecoded
}

// TenantMinute is everything that one object holds for one tenant and one minute.
type TenantMinute struct {
	Tenant   string
	Minute   int64 // minutes since the Unix epoch
	Requests []Request
}

// Object is a delivered object taken apart.
type Object struct {
	Parts        []TenantMinute // sorted by tenant, then minute
	Events       int
	Correlations []string // of its records, in order
}

// SplitObject parses an object, records each behind its length as a varint, and groups its
// events by tenant and by the minute of their ids, keeping their order. Every message is
// checked. The error wraps [ErrCorrupt]; then nothing of the object may be used.
func SplitObject(body []byte) (Object, error) {
	type address struct {
		tenant string
		minute int64
	}
	var out Object
	at := map[address]int{}
	var opened []int // by part: end of the record that its last request came from
	for offset := 0; offset < len(body); {
		message, n := protowire.ConsumeBytes(body[offset:])
		if n < 0 {
			return Object{}, fmt.Errorf("record at byte %d: %w", offset, ErrCorrupt)
		}
		rec, err := decodeRecord(message)
		if err != nil {
			return Object{}, fmt.Errorf("record at byte %d: %w", offset, err)
		}
		offset += n
		out.Correlations = append(out.Correlations, rec.Correlation)
		out.Events += len(rec.events)
		for i, e := range rec.events {
			to := address{rec.tenant, rec.minutes[i]}
			part, ok := at[to]
			if !ok {
				part = len(out.Parts)
				at[to] = part
				out.Parts = append(out.Parts, TenantMinute{Tenant: rec.tenant, Minute: to.minute})
				opened = append(opened, 0)
			}
			p := &out.Parts[part]
			if opened[part] != offset { // the part's first event of this record
				opened[part] = offset
				p.Requests = append(p.Requests, rec.Request)
			}
			last := &p.Requests[len(p.Requests)-1]
			last.Events = append(last.Events, e)
		}
	}
	slices.SortFunc(out.Parts, func(a, b TenantMinute) int {
		return cmp.Or(strings.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Minute, b.Minute))
	})
	return out, nil
}

type record struct {
	Request
	tenant  string
	events  [][]byte
	minutes []int64
}

func decodeRecord(b []byte) (record, error) {
	var rec record
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return record{}, fmt.Errorf("tag: %w", ErrCorrupt)
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return record{}, fmt.Errorf("field %d: %w", number, ErrCorrupt)
		}
		switch {
		case kind == protowire.VarintType && number == 2:
			v, _ := protowire.ConsumeVarint(b)
			rec.ReceivedMs = protowire.DecodeZigZag(v)
		case kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(b)
			switch number {
			case 1:
				rec.tenant = string(v)
			case 3:
				rec.Correlation = string(v)
			case 4:
				rec.Version = string(v)
			case 5:
				e, err := DecodeEvent(v)
				if err != nil {
					return record{}, fmt.Errorf("event %d: %w", len(rec.events), err)
				}
				rec.events = append(rec.events, v)
				rec.minutes = append(rec.minutes, e.ID.Time().Unix()/60)
			}
		}
		b = b[n:]
	}
	if rec.tenant == "" || strings.Contains(rec.tenant, "#") {
		return record{}, fmt.Errorf("tenant %q: %w", rec.tenant, ErrCorrupt)
	}
	return rec, nil
}
