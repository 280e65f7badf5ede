package truth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Server misbehaves on a schedule and logs every request. Start it with [Serve].
type Server struct {
	address string
	http    *http.Server
	closing chan struct{}
	running sync.WaitGroup
	inside  sync.RWMutex // held for reading while a request is answered and logged

	mu struct {
		sync.Mutex
		begun    bool      // the next request, or the one before, is at or after start
		start    time.Time // of the schedule; zero until the first request if begun
		schedule Schedule
		log      []Logged
		next     uint64 // number of a request that brings none
		listener net.Listener
	}
}

// Serve answers on address, which may have port 0, until Close. POST /_start brings a schedule and
// when it begins; GET /_log ends it and gives the log as JSON.
func Serve(address string) (*Server, error) {
	s := &Server{closing: make(chan struct{})}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	if err := s.listen(address); err != nil {
		return nil, fmt.Errorf("listen for calibration: %w", err)
	}
	s.address = s.mu.listener.Addr().String()
	return s, nil
}

func (s *Server) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.listener = l
	s.mu.Unlock()
	s.running.Go(func() { _ = s.http.Serve(l) })
	return nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.address }

// Close ends all connections.
func (s *Server) Close() error {
	close(s.closing)
	err := s.http.Close()
	s.running.Wait()
	return err
}

// begin is what /_start carries.
type begin struct {
	Start    int64    `json:"start"` // ns since 1970; 0: with the first request
	Schedule Schedule `json:"schedule"`
}

// ServeHTTP answers as the schedule says. A request's number is the query's n, or the order in
// which it came.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	switch r.URL.Path {
	case "/_start":
		s.begin(w, r)
		return
	case "/_log":
		s.handOver(w)
		return
	}
	s.inside.RLock()
	defer s.inside.RUnlock()
	seq, start, schedule := s.enter(r, arrived)
	_, _ = io.Copy(io.Discard, r.Body)
	arrival := arrived.Sub(start)
	entry := Logged{Seq: seq, Arrival: arrival}
	delay, good := schedule.Delay(arrival, seq)
	if !good {
		s.note(entry, start)
		if e := schedule.at(arrival); e.Trouble != Errors {
			s.cut(w)
		} else {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	time.Sleep(time.Until(arrived.Add(delay))) // what it is late by is in the log
	_, _ = io.WriteString(w, "ok")
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	s.note(entry, start)
}

// enter numbers a request and says by which schedule it is answered.
func (s *Server) enter(r *http.Request, arrived time.Time) (seq uint64, start time.Time, schedule Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.begun && s.mu.start.IsZero() {
		s.mu.start = arrived
	}
	seq, err := strconv.ParseUint(r.URL.Query().Get("n"), 10, 64)
	if err != nil {
		seq = s.mu.next
		s.mu.next++
	}
	if !s.mu.begun {
		return seq, arrived, Schedule{}
	}
	return seq, s.mu.start, s.mu.schedule
}

func (s *Server) note(l Logged, start time.Time) {
	l.LastByte = time.Since(start)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.begun {
		s.mu.log = append(s.mu.log, l)
	}
}

// cut resets the connection.
func (s *Server) cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	var b begin
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&b)
	if err = errors.Join(err, b.Schedule.Validate()); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.begun, s.mu.start, s.mu.schedule, s.mu.log, s.mu.next = true, time.Time{}, b.Schedule, nil, 0
	if b.Start > 0 {
		s.mu.start = time.Unix(0, b.Start)
		for _, e := range b.Schedule.Episodes {
			if e.Trouble == Refuse {
				s.running.Go(func() { s.refuse(time.Unix(0, b.Start), e) })
			}
		}
	}
}

// refuse closes the listener for the length of an episode.
func (s *Server) refuse(start time.Time, e Episode) {
	if !s.until(start.Add(e.From)) {
		return
	}
	s.mu.Lock()
	_ = s.mu.listener.Close()
	s.mu.Unlock()
	if s.until(start.Add(e.To)) {
		_ = s.listen(s.address) // the port is ours: nobody else is told of it
	}
}

// until waits; false if the server is closed first.
func (s *Server) until(at time.Time) bool {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}

func (s *Server) handOver(w http.ResponseWriter) {
	s.inside.Lock() // until all that came is on the log
	defer s.inside.Unlock()
	s.mu.Lock()
	log := s.mu.log
	s.mu.log, s.mu.begun = nil, false
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(log)
}
