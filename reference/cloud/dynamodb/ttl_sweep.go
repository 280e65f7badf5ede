package dynamodb

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// How expired items are looked for. There is no index by expiry: it would cost every write of a
// table with time to live a second entry and the look at the item that it replaces, where AWS's
// writes pay nothing and its deletions lag by days. Instead tables are read through at a rate that
// a busy machine does not feel; a table of 5 GB takes ten minutes.
const (
	expireEvery = 10 * time.Second // between the beginnings of two passes, unless Options say otherwise
	sweepRate   = 8 << 20          // bytes a second
	sweepStep   = 256 << 10        // bytes at once
)

// sweep paces the passes over the tables with time to live. It is pure: its caller tells the time
// and does the work.
type sweep struct {
	every  time.Duration
	began  time.Time // of the pass
	ready  time.Time // of the next step
	tables []string  // still to be read in this pass, the first one from next on
	next   []byte
}

// step is the part to look through now, or how long to wait first. list names the tables with
// time to live at the beginning of a pass.
func (w *sweep) step(now time.Time, list func() []string) (table string, from []byte, wait time.Duration) {
	if wait = w.ready.Sub(now); wait > 0 {
		return "", nil, wait
	}
	if len(w.tables) == 0 {
		w.began, w.tables, w.next = now, list(), nil
		if len(w.tables) == 0 {
			w.ready = now.Add(w.every)
			return "", nil, w.every
		}
	}
	return w.tables[0], w.next, 0
}

// looked tells how many bytes a step has read and where the next goes on; nil is the table's end.
func (w *sweep) looked(now time.Time, read int, next []byte) {
	w.ready = now.Add(time.Duration(float64(read) / sweepRate * float64(time.Second)))
	if w.next = next; next != nil {
		return
	}
	if w.tables = w.tables[1:]; len(w.tables) == 0 {
		if again := w.began.Add(w.every); again.After(w.ready) {
			w.ready = again
		}
	}
}

// oldestExpiry is how far back an expiry may lie: items with an older one stay.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
const oldestExpiry = 5 * 365 * 24 * time.Hour

// expired says at a moment of items whether their time is over: whether the attribute is a number
// of seconds before the moment, but not more than five years before.
func expired(now time.Time, attribute string) func(item.Doc) bool {
	after, before := ordered(now.Add(-oldestExpiry)), ordered(now)
	return func(d item.Doc) bool {
		v := d.Get(attribute)
		return v.Type() == item.Number && bytes.Compare(v.Payload(), before) < 0 && bytes.Compare(v.Payload(), after) >= 0
	}
}

// ordered is the second that a moment is in, in the form in which numbers compare as bytes.
func ordered(at time.Time) []byte {
	seconds := math.Floor(float64(at.UnixMilli()) / 1000)
	n, err := item.AppendNumber(nil, strconv.AppendFloat(nil, seconds, 'f', -1, 64))
	if err != nil {
		panic(err) // a number of seconds is a number
	}
	return n
}
