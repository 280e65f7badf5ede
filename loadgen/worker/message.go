package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
)

// The kinds of messages.
const (
	kindHello    = "hello"    // Hello → Welcome
	kindBeat     = "beat"     // nothing → order
	kindProgress = "progress" // progress → order
	kindReport   = "report"   // report → nothing
	kindClock    = "clock"    // nothing → reading
	kindPrepare  = "prepare"  // assignment → nothing
	kindStart    = "start"    // start → nothing
	kindStop     = "stop"     // nothing → nothing, when no request starts any more
)

// order is what a controller tells a worker that it heard.
type order struct {
	Stop bool `json:"stop,omitempty"`
}

// reading is a worker's clock as it heard the question, and as it answers.
type reading struct {
	Heard    time.Time `json:"heard"`
	Answered time.Time `json:"answered"`
}

type assignment struct {
	Job    job.Job `json:"job"`
	Shard  int     `json:"shard"`
	Shards int     `json:"shards"`
}

// start names the instant on the controller's clock.
type start struct {
	At     time.Time `json:"at"`
	Offset Offset    `json:"offset"` // of the worker's clock
}

// progress is what happened since the one before.
type progress struct {
	N        int64           `json:"n"` // counts from 1
	Measure  *measure.Set    `json:"measure"`
	Course   *measure.Course `json:"course"`
	Standing Standing        `json:"standing"`
	Samples  []attack.Sample `json:"samples,omitempty"`
}

// report is a worker's last word.
type report struct {
	Result *job.Result `json:"result"`
	Fault  string      `json:"fault,omitempty"`
}

// The headers of a message: its kind, sender and id, and which part of it this is.
const (
	headerKind = "Stampede-Kind"
	headerFrom = "Stampede-From"
	headerID   = "Stampede-Id"
	headerPart = "Stampede-Part"
	headerLast = "Stampede-Last"
)

// headroom is what headers take of a payload at most.
const headroom = 4 << 10

// longest bounds what is put together from parts.
const longest = 256 << 20

// answer is how every part is acknowledged; the last one's has the body.
type answer struct {
	Body  json.RawMessage `json:"body,omitempty"`
	Fault string          `json:"fault,omitempty"`
}

// errAnswered wraps faults that the other end found, as against those of the way there.
var errAnswered = errors.New("refused")

// ask sends a question and reads the answer into reply, which may be nil.
func ask(ctx context.Context, nc *nats.Conn, subject, kind, from string, question, reply any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	size := max(int(nc.MaxPayload())-headroom, headroom)
	id := nuid.Next()
	for part, last := 0, false; !last; part++ {
		n := min(size, len(body))
		m := nats.NewMsg(subject)
		m.Data, body = body[:n], body[n:]
		last = len(body) == 0
		m.Header.Set(headerKind, kind)
		m.Header.Set(headerFrom, from)
		m.Header.Set(headerID, id)
		m.Header.Set(headerPart, strconv.Itoa(part))
		m.Header.Set(headerLast, strconv.FormatBool(last))
		back, err := nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		var a answer
		if err := json.Unmarshal(back.Data, &a); err != nil {
			return fmt.Errorf("%s: answer: %w", kind, err)
		}
		if a.Fault != "" {
			return fmt.Errorf("%s: %w: %s", kind, errAnswered, a.Fault)
		}
		if last && reply != nil {
			if err := json.Unmarshal(a.Body, reply); err != nil {
				return fmt.Errorf("%s: answer: %w", kind, err)
			}
		}
	}
	return nil
}

// desk answers the messages of one subject, one at a time.
type desk struct {
	busy   sync.Mutex // while a message is answered
	handle func(kind, from string, body []byte) (any, error)
	open   map[string]*parts // by sender
}

// settle returns when the message under way is answered.
func (d *desk) settle() {
	d.busy.Lock()
	defer d.busy.Unlock()
}

// parts are those of a message that came so far.
type parts struct {
	id   string
	next int
	body []byte
}

func newDesk(handle func(kind, from string, body []byte) (any, error)) *desk {
	return &desk{handle: handle, open: map[string]*parts{}}
}

func (d *desk) receive(m *nats.Msg) {
	d.busy.Lock()
	defer d.busy.Unlock()
	var a answer
	v, err := d.take(m)
	if err == nil && v != nil {
		a.Body, err = json.Marshal(v)
	}
	if err != nil {
		a.Fault = err.Error()
	}
	text, _ := json.Marshal(a) // of texts and what was just written
	_ = m.Respond(text)        // a sender that hears nothing asks again
}

func (d *desk) take(m *nats.Msg) (any, error) {
	from, id := m.Header.Get(headerFrom), m.Header.Get(headerID)
	part, err := strconv.Atoi(m.Header.Get(headerPart))
	if err != nil {
		return nil, errors.New("a message without the number of its part")
	}
	sender := from + " " + m.Header.Get(headerKind) // a beat may come between the parts of a report
	p := d.open[sender]
	if p == nil || p.id != id {
		p = &parts{id: id}
		d.open[sender] = p
	}
	if part != p.next || len(p.body)+len(m.Data) > longest {
		delete(d.open, sender)
		return nil, fmt.Errorf("part %d of a message, expected %d, of at most %d bytes", part, p.next, longest)
	}
	p.next++
	p.body = append(p.body, m.Data...)
	if m.Header.Get(headerLast) != "true" {
		return nil, nil
	}
	delete(d.open, sender)
	return d.handle(m.Header.Get(headerKind), from, p.body)
}

// read decodes a body and hands it on.
func read[T any](body []byte, then func(T) (any, error)) (any, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	return then(v)
}

// subjects of a group of workers.
func joinSubject(group string) string       { return "stampede." + group + ".join" }
func runSubject(group, id string) string    { return "stampede." + group + ".run." + id }
func workerSubject(group, id string) string { return "stampede." + group + ".worker." + id }
