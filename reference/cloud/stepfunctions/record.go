package stepfunctions

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
)

// Keys, all under "states/". An execution's path is its machine's name, a zero byte and its own.
//
//	machine/<name>                   machineRecord
//	definition/<sha256>              text, as of an execution's start
//	execution/<path>                 executionRecord
//	event/<path>\0<id>               JSON list of the events of one step; id is the first
//	started/<machine>\0<^start><name> nothing; newest first
//	ended/<stop><path>               nothing; oldest first
//	history/<stop><path>             nothing; executions whose events are kept, oldest first
const prefix = "states/"

type machineRecord struct {
	ARN        string      `json:"arn"`
	Name       string      `json:"name"`
	Definition string      `json:"definition"`
	RoleARN    string      `json:"role_arn"`
	RevisionID string      `json:"revision_id,omitempty"`
	Created    asl.Instant `json:"created"`
	Updated    asl.Instant `json:"updated"`
}

type executionRecord struct {
	Definition string          `json:"definition"` // its digest
	Execution  json.RawMessage `json:"execution"`
}

// summary is the part of an execution that listings and descriptions need.
type summary struct {
	Start     asl.Start  `json:"start"`
	Status    asl.Status `json:"status"`
	StartedAt time.Time  `json:"started_at"`
	StoppedAt time.Time  `json:"stopped_at"`
	Output    string     `json:"output"`
	Error     *string    `json:"error"`
	Cause     *string    `json:"cause"`
}

func key(kind, rest string) []byte { return []byte(prefix + kind + "/" + rest) }

func executionPath(machine, name string) string { return machine + "\x00" + name }

func machineKey(name string) []byte { return key("machine", name) }

func definitionKey(digest string) []byte { return key("definition", digest) }

func digest(definition string) string {
	sum := sha256.Sum256([]byte(definition))
	return hex.EncodeToString(sum[:])
}

func executionKey(path string) []byte { return key("execution", path) }

func eventKey(path string, first int64) []byte {
	return binary.BigEndian.AppendUint64(key("event", path+"\x00"), uint64(first))
}

func startedKey(machine, name string, at time.Time) []byte {
	k := binary.BigEndian.AppendUint64(key("started", machine+"\x00"), ^uint64(at.UnixMilli()))
	return append(k, name...)
}

func stoppedKey(kind, path string, at time.Time) []byte {
	return append(binary.BigEndian.AppendUint64(key(kind, ""), uint64(at.UnixMilli())), path...)
}

// stopped takes a key of stoppedKey apart.
func stopped(kind string, k []byte) (time.Time, string) {
	k = k[len(key(kind, "")):]
	return time.UnixMilli(int64(binary.BigEndian.Uint64(k))), string(k[8:])
}

// after is the first key behind all that begin with p.
func after(p []byte) []byte {
	end := append([]byte(nil), p...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// scan visits the rows under p in order until visit returns false. Keys and values are valid only
// inside visit.
func scan(db *pebble.DB, p []byte, visit func(k, v []byte) (bool, error)) (err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: p, UpperBound: after(p)})
	if err != nil {
		return fmt.Errorf("scan %q: %w", p, err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		more, err := visit(it.Key(), it.Value())
		if err != nil || !more {
			return err
		}
	}
	return it.Error()
}

// load reads one JSON row; found is false where there is none.
func load(db *pebble.DB, k []byte, into any) (found bool, err error) {
	v, closer, err := db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %q: %w", k, err)
	}
	defer func() { err = errors.Join(err, closer.Close()) }()
	if err := json.Unmarshal(v, into); err != nil {
		return true, fmt.Errorf("read %q: %w", k, err)
	}
	return true, nil
}

// batch collects the rows of one change; the first error stays.
type batch struct {
	*pebble.Batch
	err error
}

func (b *batch) put(k []byte, v any) {
	raw, isRaw := v.([]byte)
	if !isRaw && b.err == nil {
		raw, b.err = json.Marshal(v)
	}
	if b.err == nil {
		b.err = b.Set(k, raw, nil)
	}
}

func (b *batch) remove(k []byte) {
	if b.err == nil {
		b.err = b.Delete(k, nil)
	}
}

func (b *batch) removeAll(p []byte) {
	if b.err == nil {
		b.err = b.DeleteRange(p, after(p), nil)
	}
}

func (b *batch) commit(o *pebble.WriteOptions) error {
	if b.err != nil {
		return errors.Join(b.err, b.Close())
	}
	return b.Commit(o)
}
