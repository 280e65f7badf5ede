package deploy

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// Kind of a [Record].
type Kind string

// The kinds of records, in the order of a release.
const (
	KindBegin    Kind = "begin"     // a release, with the counts before it
	KindEpoch    Kind = "epoch"     // a controller takes over, or a rollback fences
	KindClimb    Kind = "climb"     // a rung is about to be set
	KindClimbed  Kind = "climbed"   // a rung is set for every function
	KindSample   Kind = "sample"    // evidence
	KindHold     Kind = "hold"      // the rung's time is over, its requests are too few
	KindPromote  Kind = "promote"   // the canary is about to become stable
	KindPromoted Kind = "promoted"  // end
	KindRollBack Kind = "roll back" // decided; Detected says since when it was known
	KindReverted Kind = "reverted"  // every alias was read back and is old
	KindSafe     Kind = "safe"      // the canary answers no more
	KindRepaired Kind = "repaired"  // what it wrote is right again
	KindOver     Kind = "over"      // end of a rollback
)

// Record is one line of the journal.
type Record struct {
	Epoch    int64     `json:"epoch"`
	Owner    string    `json:"owner"` // the controller's run; set by Append
	At       time.Time `json:"at"`
	Kind     Kind      `json:"kind"`
	Release  *Release  `json:"release,omitempty"`
	Rung     int       `json:"rung,omitempty"`
	Sample   sample    `json:"sample,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Detected time.Time `json:"detected,omitzero"`
}

// sample marshals counts by function:version.
type sample map[Version]Counts

// MarshalJSON writes an object by function:version.
func (s sample) MarshalJSON() ([]byte, error) {
	out := make(map[string]Counts, len(s))
	for v, c := range s {
		out[v.String()] = c
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *sample) UnmarshalJSON(raw []byte) error {
	var in map[string]Counts
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*s = make(sample, len(in))
	for name, c := range in {
		at := strings.LastIndexByte(name, ':')
		if at < 0 {
			return fmt.Errorf("%q is not function:version", name)
		}
		(*s)[Version{name[:at], name[at+1:]}] = c
	}
	return nil
}

// encodeRecord is a line: checksum, space, JSON.
func encodeRecord(r Record) ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record %s: %w", r.Kind, err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(raw), raw), nil
}

// decodeRecord reads a line without its end.
func decodeRecord(line string) (Record, error) {
	sum, raw, ok := strings.Cut(line, " ")
	want, err := strconv.ParseUint(sum, 16, 32)
	if !ok || len(sum) != 8 || err != nil || crc32.ChecksumIEEE([]byte(raw)) != uint32(want) {
		return Record{}, fmt.Errorf("damaged record %.40q", line)
	}
	var r Record
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return Record{}, fmt.Errorf("damaged record %.40q: %w", line, err)
	}
	return r, nil
}
