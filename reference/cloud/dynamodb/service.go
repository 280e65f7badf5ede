package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Options say how the service runs. Dir is required; the other zero values are AWS's defaults.
type Options struct {
	Dir      string           // where the tables live
	FS       vfs.FS           // nil is the disk
	Cache    int64            // bytes of table blocks kept in memory beside full memtables; zero is 64 MiB
	MemTable uint64           // bytes of writes kept in memory before they become a table file; zero is 64 MiB
	Limits   *Limits          // nil is AWSLimits
	Region   string           // in ARNs; "" is us-east-1
	Now      func() time.Time // nil is time.Now
	Log      *slog.Logger     // nil is silence
	// Sleep waits for a latency profile, or until the caller is gone; nil is the machine's clock.
	Sleep func(context.Context, time.Duration)
	// ExpireEvery is how often all tables with time to live are looked through for expired items,
	// unless they are so large that it takes longer. Zero is 10 s; on AWS it takes up to days.
	ExpireEvery time.Duration
}

// Service is an open DynamoDB. It is safe for concurrent use.
type Service struct {
	store       *store.Store
	limits      Limits
	region      string
	now         func() time.Time
	log         *slog.Logger
	tables      atomic.Pointer[tables]
	expressions expressions
	counters    counters
	replies     sync.Pool
	expired     atomic.Int64 // items removed because their time to live was over
	mu          sync.Mutex   // held by operations that change the catalogue
	throttles   throttles
	latency     *latency
	reshaped    atomic.Bool // partitions were cut or grew, which is not durable yet
	calls       *generations
	censuses    *censuses
	builds      chan struct{} // has room for one: there may be an index to build
	background  struct {      // what runs between Open and Close
		stop    context.CancelFunc
		running sync.WaitGroup
	}
}

var _ wire.Handler = (*Service)(nil)

// Open opens or creates the tables under o.Dir and recovers what was acknowledged.
func Open(o Options) (*Service, error) {
	s := &Service{limits: AWSLimits(), region: cmp.Or(o.Region, wire.Region), now: wire.Clock(o.Now), log: wire.Logger(o.Log)}
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	s.latency = newLatency(s.limits.Latency, o.Sleep)
	s.counters, s.calls, s.builds = newCounters(), newGenerations(), make(chan struct{}, 1)
	s.censuses = newCensuses()
	s.replies.New = func() any { return &call{s: s} }
	var err error
	if s.store, err = store.Open(store.Options{Dir: o.Dir, FS: o.FS, Cache: o.Cache, MemTable: o.MemTable, Log: s.log}); err != nil {
		return nil, err
	}
	if err := s.loadTables(); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	if err := s.closeStreams(s.now()); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.background.stop = stop
	s.background.running.Go(func() { s.runBuilds(ctx) })
	s.background.running.Go(func() { s.runCensuses(ctx) })
	s.background.running.Go(func() { newUpkeep(s, o.ExpireEvery).run(ctx) })
	return s, nil
}

// Close stops what runs in the background, waits for Pebble and closes the files. No request
// may be under way.
func (s *Service) Close() error {
	s.background.stop()
	s.background.running.Wait()
	return s.store.Close()
}

// call is one request with its reply.
type call struct {
	s     *Service
	r     *wire.Request
	now   time.Time
	out   []byte      // the reply's body
	arena []byte      // the request's documents
	old   []byte      // an item that was read
	unit  *store.Unit // with its locks, from lock until commit or release
	// why nothing that the unit read may be told: it cannot become durable
	untold error
	// actions of a transaction, kept for their memory: they are large
	actions []action
}

// operation answers a call by filling c.out, or fails.
type operation func(c *call) error

// operations are all the service has, by action.
var operations = map[string]operation{
	"BatchExecuteStatement":       (*call).batchExecuteStatement,
	"BatchGetItem":                (*call).batchGetItem,
	"BatchWriteItem":              (*call).batchWriteItem,
	"CreateTable":                 (*call).createTable,
	"DeleteItem":                  (*call).deleteItem,
	"DeleteResourcePolicy":        (*call).deleteResourcePolicy,
	"DeleteTable":                 (*call).deleteTable,
	"DescribeContinuousBackups":   (*call).describeContinuousBackups,
	"DescribeContributorInsights": (*call).describeContributorInsights,
	"DescribeEndpoints":           (*call).describeEndpoints,
	"DescribeLimits":              (*call).describeLimits,
	"DescribeTable":               (*call).describeTable,
	"DescribeTimeToLive":          (*call).describeTimeToLive,
	"ExecuteStatement":            (*call).executeStatement,
	"ExecuteTransaction":          (*call).executeTransaction,
	"GetItem":                     (*call).getItem,
	"GetResourcePolicy":           (*call).getResourcePolicy,
	"ListContributorInsights":     (*call).listContributorInsights,
	"ListTables":                  (*call).listTables,
	"ListTagsOfResource":          (*call).listTagsOfResource,
	"PutItem":                     (*call).putItem,
	"PutResourcePolicy":           (*call).putResourcePolicy,
	"Query":                       (*call).query,
	"Scan":                        (*call).scan,
	"TagResource":                 (*call).tagResource,
	"TransactGetItems":            (*call).transactGetItems,
	"TransactWriteItems":          (*call).transactWriteItems,
	"UntagResource":               (*call).untagResource,
	"UpdateContributorInsights":   (*call).updateContributorInsights,
	"UpdateItem":                  (*call).updateItem,
	"UpdateTable":                 (*call).updateTable,
	"UpdateTimeToLive":            (*call).updateTimeToLive,
}

// What stands before an action in a request's target.
const (
	targetTables  = "DynamoDB_20120810."
	targetStreams = "DynamoDBStreams_20120810."
)

// operationOf is the operation that a request names, or nil.
func operationOf(r *wire.Request) operation {
	op, api := operations[r.Action], targetTables
	if op == nil {
		op, api = streamOperations[r.Action], targetStreams
	}
	if r.HTTP != nil && r.HTTP.Header.Get("X-Amz-Target") != api+r.Action {
		return nil
	}
	return op
}

// ServeAWS answers one request that was verified.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if op := operationOf(r); (op == nil || r.HTTP != nil && (r.HTTP.Method != http.MethodPost || jsonForm(r.HTTP) == "")) && s.turnAway(w, r) {
		return
	}
	c := s.replies.Get().(*call)
	defer c.end()
	c.r, c.now = r, s.now()
	err := c.run()
	if c.untold != nil {
		err = c.untold
	}
	s.counters.note(r.Action, err)
	if s.reshaped.Load() {
		s.keepTopologies()
	}
	if s.latency != nil {
		s.latency.wait(r.HTTP.Context(), r.Action, s.now().Sub(c.now))
	}
	c.reply(w, err)
}

// run does what the request asks for.
func (c *call) run() error {
	op := operationOf(c.r)
	if op == nil {
		return refuse(codeUnknown, "")
	}
	if h := c.r.HTTP; h != nil {
		if encoding := h.Header["Content-Encoding"]; encoding != nil {
			if err := c.decompress(encoding[0]); err != nil {
				return err
			}
		}
	}
	defer c.s.calls.leave(c.s.calls.enter())
	return op(c)
}

// end gives the call back. One that panicked inside its unit gives the locks back, since
// whoever recovers it must not leave items locked, and is not used again.
func (c *call) end() {
	if c.unit != nil {
		c.release()
		return
	}
	if cap(c.out)+cap(c.arena)+cap(c.old) > maxKeptBuffers {
		c.out, c.arena, c.old = nil, nil, nil
	}
	clear(c.actions)
	c.r, c.actions, c.untold = nil, c.actions[:0], nil
	c.s.replies.Put(c)
}

// begin starts the call's unit of work in the store.
func (c *call) begin() *store.Unit {
	c.unit = c.s.store.Begin()
	c.unit.At(c.now)
	return c.unit
}

// commit ends the unit: its writes are durable.
func (c *call) commit() error {
	u := c.unit
	c.unit = nil
	return u.Commit()
}

// release ends the unit without writing.
func (c *call) release() {
	u := c.unit
	c.unit = nil
	if err := u.Release(); err != nil {
		c.untold = err
	}
}

// maxKeptBuffers bounds the memory a pooled call keeps.
const maxKeptBuffers = 4 << 20

// decoder starts to read the request.
func (c *call) decoder() decoder {
	c.out = c.out[:0]
	return newDecoder(c.r.Body, c.arena)
}

// parse reads a request that is one object of parameters.
func (c *call) parse(r *request) error {
	d := c.decoder()
	d.request(r)
	d.End()
	c.arena = d.arena
	return c.syntax(&d)
}

// syntax is the fault of a request that has not the form of the wire.
func (c *call) syntax(d *decoder) error {
	if err := d.Err(); err != nil {
		return misread(c.r.Action, c.r.Body, err)
	}
	return nil
}

// attributes appends `"name":{…}` to the reply.
func (c *call) attributes(name string, d item.Doc) {
	c.member(name)
	c.out = item.AppendJSON(c.out, d)
}

// member appends `"name":`, behind a comma if something stands before it in its object or
// array.
func (c *call) member(name string) {
	if n := len(c.out); n > 0 && c.out[n-1] != '{' && c.out[n-1] != '[' && c.out[n-1] != ':' {
		c.out = append(c.out, ',')
	}
	if name != "" {
		c.out = append(c.out, '"')
		c.out = append(c.out, name...)
		c.out = append(c.out, '"', ':')
	}
}
