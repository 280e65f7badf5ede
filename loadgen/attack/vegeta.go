package attack

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// vegeta sends through vegeta's attacker.
func (a *attack) vegeta() {
	x := &exchange{a: a}
	x.mu.paced = map[uint64]*slot{}
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}),
		vegeta.Workers(uint64(min(64, a.o.MaxWorkers))), vegeta.MaxWorkers(uint64(a.o.MaxWorkers)),
	)
	targeter := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodGet, a.o.Target // the transport knows better
		return nil
	}
	for range attacker.Attack(targeter, x, 0, "") { // drained at once: its channel has no room
	}
}

// exchange gives vegeta's hits the entries of the plan: it is vegeta's Pacer and its client's
// http.RoundTripper.
type exchange struct {
	a  *attack
	mu struct {
		sync.Mutex
		paced map[uint64]*slot // by vegeta's sequence number
	}
}

var _ vegeta.Pacer = (*exchange)(nil)

// Pace lets vegeta's next hit go at the time of the next plan entry. It waits itself, instead
// of naming a wait, because vegeta's sleep cannot be stopped. It stops at the end of the plan
// or at once when the load is stopped.
func (x *exchange) Pace(_ time.Duration, hits uint64) (wait time.Duration, stop bool) {
	s := x.a.next()
	if s == nil {
		return 0, true
	}
	x.mu.Lock()
	x.mu.paced[hits] = s
	x.mu.Unlock()
	return 0, false
}

// Rate is that of no curve: vegeta asks for it only in its own reports.
func (x *exchange) Rate(time.Duration) float64 { return 0 }

// take finds the entry of a hit. Ticks and sequence numbers are both handed out one by one,
// so every number that a worker can have has been paced before.
func (x *exchange) take(seq uint64) *slot {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.mu.paced[seq]
	delete(x.mu.paced, seq)
	return s
}

// RoundTrip carries one hit of vegeta's: it finds the entry behind the sequence number, sends
// its request instead of the dummy, reads the answer to the end and reports the result. What
// it returns only tells vegeta that the hit is over.
func (x *exchange) RoundTrip(hit *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(hit.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("hit without a sequence number: %w", err)
	}
	s := x.take(seq)
	if s == nil {
		return nil, fmt.Errorf("hit %d was not paced", seq)
	}
	r := x.a.carry(s)
	if r.Err != nil {
		return nil, r.Err
	}
	return &http.Response{
		StatusCode: r.Status, Status: http.StatusText(r.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: hit,
	}, nil
}
