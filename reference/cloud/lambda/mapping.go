package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// Mapping is an event source mapping from an SQS queue to a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
type Mapping struct {
	UUID                           string
	EventSourceMappingArn          string
	EventSourceArn                 string
	FunctionArn                    string // as given, with its qualifier
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	FunctionResponseTypes          []string        `json:",omitempty"`
	ScalingConfig                  *MappingScaling `json:",omitempty"`
	State                          string          // Enabled or Disabled
	LastModified                   float64         // seconds since 1970
}

// MappingScaling bounds how many batches of a mapping are in the function at once, 2 to 1,000.
type MappingScaling struct {
	MaximumConcurrency int
}

// MappingStats count what one mapping did since Open.
type MappingStats struct {
	UUID      string `json:"uuid"`
	Queue     string `json:"queue"`
	Function  string `json:"function"`
	Pollers   int    `json:"pollers"`   // now
	Batches   int64  `json:"batches"`   // handed to the function
	Messages  int64  `json:"messages"`  // in those
	Failed    int64  `json:"failed"`    // messages that became visible again
	Throttled int64  `json:"throttled"` // tries of a batch that were refused with 429
	Errors    int64  `json:"errors"`    // calls of the queue that failed
}

// How a poller behaves.
const (
	longPoll       = 20 * time.Second
	shortPoll      = 50 * time.Millisecond // between polls in the last second of a batch's window
	backoffFirst   = 100 * time.Millisecond
	backoffMost    = time.Second
	throttledTries = 5               // of one batch, before it goes back to the queue
	settleTime     = 2 * time.Second // for deleting and releasing, even while the service shuts down
	maxBatchBytes  = 6 << 20         // of an event: the synchronous payload limit
	reportFailures = "ReportBatchItemFailures"
)

// mappings runs the pollers of all mappings.
type mappings struct {
	db     *pebble.DB
	queue  Queue
	region string
	limits *Limits
	now    func() time.Time
	log    *slog.Logger
	invoke func(ctx context.Context, functionARN string, payload []byte) (Result, error)

	change sync.Mutex // serialises changes; taken before mu
	mu     struct {
		sync.Mutex
		all    map[string]*poller
		closed bool
	}
}

func openMappings(s *Service) (*mappings, error) {
	m := &mappings{
		db: s.options.DB, queue: s.options.Queue, region: s.options.Region, limits: &s.limits,
		now: s.now, log: s.log, invoke: s.invokeARN,
	}
	m.mu.all = map[string]*poller{}
	return m, s.state.each(prefixMapping, func(id string, value []byte) error {
		p := &poller{m: m}
		m.mu.all[id] = p
		return json.Unmarshal(value, &p.mu.mapping)
	})
}

// start polls for all mappings that are enabled.
func (m *mappings) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.mu.all {
		p.start()
	}
}

// close stops all polling and waits until every batch in hand is settled.
func (m *mappings) close() {
	m.change.Lock()
	defer m.change.Unlock()
	m.mu.Lock()
	m.mu.closed = true
	all := m.mu.all
	m.mu.Unlock()
	for _, p := range all {
		p.tell()
	}
	for _, p := range all {
		p.wait.Wait()
	}
}

func (m *mappings) stats() []MappingStats {
	m.mu.Lock()
	all := make([]*poller, 0, len(m.mu.all))
	for _, p := range m.mu.all {
		all = append(all, p)
	}
	m.mu.Unlock()
	out := []MappingStats{}
	for _, p := range all {
		p.mu.Lock()
		s := p.mu.stats
		s.UUID, s.Queue, s.Function, s.Pollers = p.mu.mapping.UUID, p.mu.mapping.EventSourceArn, p.mu.mapping.FunctionArn, p.mu.pollers.running
		p.mu.Unlock()
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b MappingStats) int { return strings.Compare(a.Queue+a.UUID, b.Queue+b.UUID) })
	return out
}

// create stores and starts a new mapping.
func (m *mappings) create(mapping Mapping) (Mapping, error) {
	m.change.Lock()
	defer m.change.Unlock()
	if m.queue == nil {
		return Mapping{}, invalid("no queue service is wired to this Lambda")
	}
	for _, other := range m.list() {
		if other.EventSourceArn == mapping.EventSourceArn && other.FunctionArn == mapping.FunctionArn {
			return Mapping{}, conflict("An event source mapping with SQS arn (%q) and function (%q) already exists. Please update or delete the existing mapping with UUID %s",
				mapping.EventSourceArn, mapping.FunctionArn, other.UUID)
		}
	}
	mapping.UUID = uuid.NewString()
	mapping.EventSourceMappingArn += mapping.UUID
	if err := mapping.check(); err != nil {
		return Mapping{}, err
	}
	return mapping, m.put(&poller{m: m}, mapping)
}

// update applies change to a mapping and restarts its pollers.
func (m *mappings) update(id string, change func(*Mapping) error) (Mapping, error) {
	m.change.Lock()
	defer m.change.Unlock()
	p := m.find(id)
	if p == nil {
		return Mapping{}, notFound("The resource you requested does not exist.")
	}
	mapping := p.mapping()
	if err := change(&mapping); err != nil {
		return Mapping{}, err
	}
	if err := mapping.check(); err != nil {
		return Mapping{}, err
	}
	p.tell()
	p.wait.Wait()
	return mapping, m.put(p, mapping)
}

// put makes a mapping durable and starts its pollers. The caller holds change.
func (m *mappings) put(p *poller, mapping Mapping) error {
	mapping.LastModified = seconds(m.now())
	if err := set(m.db, prefixMapping+mapping.UUID, mapping); err != nil {
		return err
	}
	p.mu.Lock()
	p.mu.mapping = mapping
	p.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.all[mapping.UUID] = p
	if !m.mu.closed {
		p.start()
	}
	return nil
}

// remove deletes a mapping once its batches are settled.
func (m *mappings) remove(id string) (Mapping, error) {
	m.change.Lock()
	defer m.change.Unlock()
	p := m.find(id)
	if p == nil {
		return Mapping{}, notFound("The resource you requested does not exist.")
	}
	p.tell()
	p.wait.Wait()
	if err := m.db.Delete([]byte(prefixMapping+id), pebble.Sync); err != nil {
		return Mapping{}, err
	}
	m.mu.Lock()
	delete(m.mu.all, id)
	m.mu.Unlock()
	mapping := p.mapping()
	mapping.State = "Deleting"
	return mapping, nil
}

func (m *mappings) find(id string) *poller {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.all[id]
}

// list returns all mappings by queue and UUID.
func (m *mappings) list() []Mapping {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []Mapping{}
	for _, p := range m.mu.all {
		out = append(out, p.mapping())
	}
	slices.SortFunc(out, func(a, b Mapping) int {
		return strings.Compare(a.EventSourceArn+a.UUID, b.EventSourceArn+b.UUID)
	})
	return out
}

// check says what is wrong with a mapping's numbers.
func (m *Mapping) check() error {
	switch {
	case m.BatchSize < 1 || m.BatchSize > 10000:
		return invalid("Value '%d' at 'batchSize' failed to satisfy constraint: Member must have value between 1 and 10000", m.BatchSize)
	case m.MaximumBatchingWindowInSeconds < 0 || m.MaximumBatchingWindowInSeconds > 300:
		return invalid("Value '%d' at 'maximumBatchingWindowInSeconds' failed to satisfy constraint: Member must have value between 0 and 300", m.MaximumBatchingWindowInSeconds)
	case m.BatchSize > 10 && m.MaximumBatchingWindowInSeconds < 1:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case m.ScalingConfig != nil && (m.ScalingConfig.MaximumConcurrency < 2 || m.ScalingConfig.MaximumConcurrency > 1000):
		return invalid("Value '%d' at 'scalingConfig.maximumConcurrency' failed to satisfy constraint: Member must have value between 2 and 1000", m.ScalingConfig.MaximumConcurrency)
	}
	for _, kind := range m.FunctionResponseTypes {
		if kind != reportFailures {
			return invalid("Value '[%s]' at 'functionResponseTypes' failed to satisfy constraint: Member must satisfy enum value set: [%s]", kind, reportFailures)
		}
	}
	return nil
}

// seconds is how Lambda's JSON writes timestamps of mappings.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
