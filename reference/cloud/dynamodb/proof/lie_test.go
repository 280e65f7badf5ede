package proof

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// lie puts one lie before a service; an unknown one is the truth.
func lie(s wire.Handler, which string) wire.Handler {
	switch which {
	case "stale reads":
		return &staleReads{next: s, seen: map[string][]byte{}}
	case "lost updates":
		return &lostUpdates{next: s}
	case "torn transactions":
		return tornTransactions{s}
	case "invented index entries":
		return inventedEntries{s}
	}
	return s
}

// staleReads answers a third of all reads as it answered the same one before.
type staleReads struct {
	next wire.Handler
	n    atomic.Int64
	mu   sync.Mutex
	seen map[string][]byte
}

func (s *staleReads) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if r.Action != "GetItem" && r.Action != "TransactGetItems" {
		s.next.ServeAWS(w, r)
		return
	}
	key := r.Action + string(r.Body)
	s.mu.Lock()
	old := s.seen[key]
	s.mu.Unlock()
	if old != nil && s.n.Add(1)%3 == 0 {
		wire.ReplyJSON(w, r, json.RawMessage(old))
		return
	}
	answer := httptest.NewRecorder()
	s.next.ServeAWS(answer, r)
	if answer.Code == http.StatusOK {
		s.mu.Lock()
		s.seen[key] = bytes.Clone(answer.Body.Bytes())
		s.mu.Unlock()
	}
	pass(w, answer)
}

// lostUpdates acknowledges every tenth single write without doing it.
type lostUpdates struct {
	next wire.Handler
	n    atomic.Int64
}

func (s *lostUpdates) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if (r.Action == "PutItem" || r.Action == "UpdateItem") && s.n.Add(1)%10 == 0 {
		wire.ReplyJSON(w, r, nil)
		return
	}
	s.next.ServeAWS(w, r)
}

// tornTransactions does the parts of a transaction one after the other.
type tornTransactions struct{ next wire.Handler }

func (s tornTransactions) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if r.Action != "TransactWriteItems" {
		s.next.ServeAWS(w, r)
		return
	}
	var in struct{ TransactItems []map[string]json.RawMessage }
	if json.Unmarshal(r.Body, &in) != nil {
		s.next.ServeAWS(w, r)
		return
	}
	for _, action := range in.TransactItems {
		for verb, body := range action {
			one := *r
			one.Action, one.Body, one.HTTP = verb+"Item", body, r.HTTP.Clone(r.HTTP.Context())
			one.HTTP.Header.Set("X-Amz-Target", "DynamoDB_20120810."+one.Action)
			answer := httptest.NewRecorder()
			s.next.ServeAWS(answer, &one)
			if answer.Code != http.StatusOK {
				pass(w, answer)
				return
			}
			time.Sleep(3 * time.Millisecond)
		}
	}
	wire.ReplyJSON(w, r, nil)
}

// inventedEntries answers queries of indexes with a version that never was.
type inventedEntries struct{ next wire.Handler }

func (s inventedEntries) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	answer := httptest.NewRecorder()
	s.next.ServeAWS(answer, r)
	if bytes.Contains(r.Body, []byte("IndexName")) {
		answer.Body = bytes.NewBuffer(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"n":{"N":"`), []byte(`"n":{"N":"9`)))
		answer.Header().Del("X-Amz-Crc32")
		answer.Header().Del("Content-Length")
	}
	pass(w, answer)
}

func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
