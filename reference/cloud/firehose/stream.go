package firehose

import (
	"context"
	"sync"
	"time"
)

// stream is a delivery stream: its buffer, its quota and its goroutine.
type stream struct {
	streamRecord               // as of the opening: hints and changes are in mu
	seqs         func() uint64 // the next sequence number
	peek         func() uint64 // what seqs will return next, or less
	notify       chan struct{} // has one token when the goroutine should look again
	stop         context.CancelFunc
	done         chan struct{}

	mu struct {
		sync.Mutex
		record   streamRecord // as stored
		buffer   buffer
		throttle throttle
		stopped  bool
		counters counters
	}
}

// counters count what happened since the service was opened.
type counters struct {
	requests, records, bytes                         int64
	throttledRecords                                 int64
	objects, deliveredRecords, deliveredBytes, fails int64
	lastError                                        string
}

// poke makes the stream's goroutine look again.
func (st *stream) poke() {
	select {
	case st.notify <- struct{}{}:
	default:
	}
}

// admission is a record on its way into the buffer.
type admission struct {
	seq     uint64
	refused string // the limit that refused it, "" if admitted
	segment *segment
	n       int64
}

// admit takes records in, as far as the quota lets it; they are still to be
// written. refused is the limit that refused the whole call, "" if none did.
func (st *stream) admit(now time.Time, records []record) (list []admission, refused string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mu.stopped {
		return nil, stoppedLimit
	}
	if refused := st.mu.throttle.call(now); refused != "" {
		st.mu.counters.throttledRecords += int64(len(records))
		return nil, refused
	}
	st.mu.counters.requests++
	list = make([]admission, len(records))
	for i, r := range records {
		a := &list[i]
		if a.refused = st.mu.throttle.record(now, len(r.Data)); a.refused != "" {
			st.mu.counters.throttledRecords++
			continue
		}
		a.seq, a.n = st.seqs(), int64(len(r.Data))
		a.segment = st.mu.buffer.admit(now, a.seq, a.n)
	}
	return list, ""
}

// stoppedLimit stands for the refusal of a stream that is going away.
const stoppedLimit = "stopped"

// written tells the buffer how the write of a call's records ended.
func (st *stream) written(list []admission, stored bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, a := range list {
		if a.segment == nil {
			continue
		}
		st.mu.buffer.written(a.segment, a.n, stored)
		if stored {
			st.mu.counters.records++
			st.mu.counters.bytes += a.n
		}
	}
	st.poke()
}

// next is what the goroutine is to do at now: deliver a segment, or else wait,
// until the time given if it is not zero.
func (st *stream) next(now time.Time) (*segment, time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.buffer.settle(now, st.peek())
	if s := st.mu.buffer.ready(); s != nil {
		return s, time.Time{}
	}
	at, _ := st.mu.buffer.wake()
	return nil, at
}
