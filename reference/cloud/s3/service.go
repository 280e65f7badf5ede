package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cockroachdb/pebble/v2"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3response"

	"github.com/retailflow/stampede/reference/quota"
)

// Options of [Open]. Dir and DB are required.
type Options struct {
	Dir         string            // absolute; holds objects/ and what belongs to it
	DB          *pebble.DB        // shared; keys under "s3/"
	Events      Events            // nil: creations are not announced
	Credentials map[string]string // access key id to secret; empty: local/local
	Region      string            // empty: us-east-1
	Limits      *Limits           // nil: AWSLimits
	Now         func() time.Time  // nil: time.Now
	Log         *slog.Logger      // nil: discarded

	disk disk // nil: fsync
}

// EnsureDefaults fills what is empty.
func (o *Options) EnsureDefaults() {
	if len(o.Credentials) == 0 {
		o.Credentials = map[string]string{"local": "local"}
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Limits == nil {
		limits := AWSLimits()
		o.Limits = &limits
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.disk == nil {
		o.disk = fsync{}
	}
}

// Validate reports all that is wrong at once.
func (o *Options) Validate() error {
	var faults []error
	if !filepath.IsAbs(o.Dir) {
		faults = append(faults, fmt.Errorf("dir %q is not an absolute path", o.Dir))
	}
	if o.DB == nil {
		faults = append(faults, errors.New("no database"))
	}
	return errors.Join(faults...)
}

// Stats are counters since Open.
type Stats struct {
	Requests        int64       `json:"requests"`
	Puts            int64       `json:"puts"` // by Put, without HTTP
	SlowDowns       int64       `json:"slow_downs"`
	GatewayErrors   int64       `json:"gateway_errors"`
	EventsDelivered int64       `json:"events_delivered"`
	EventsRetried   int64       `json:"events_retried"`
	EventsWaiting   int         `json:"events_waiting"`
	LimitHits       []quota.Hit `json:"limit_hits,omitempty"`
}

// Service is the embedded S3. It is an http.Handler for raw requests; all methods may be called
// concurrently.
type Service struct {
	options Options
	store   *store
	outbox  *outbox
	gateway *gateway
	front   *throttle

	cancel  context.CancelFunc
	running sync.WaitGroup
	before  string // working folder to go back to

	requests, puts, slowDowns, gatewayErrors atomic.Int64
}

// Open settles what an earlier process left open, starts the gateway and the delivery of events.
// Only one Service can be open in a process, and the working folder is the object root meanwhile.
func Open(o Options) (*Service, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("open s3: %w", err)
	}
	before, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("open s3: %w", err)
	}
	s := &Service{options: o, before: before, front: newThrottle(*o.Limits)}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open s3: %w", errors.Join(err, os.Chdir(before)))
	}
	return s, nil
}

func (s *Service) open() error {
	o := s.options
	s.outbox = newOutbox(o.DB, o.Now, o.Log, func(ctx context.Context, e event) error {
		if o.Events == nil {
			return nil
		}
		return o.Events.ObjectCreated(ctx, e.Bucket, e.Key, e.Size, strings.Trim(e.ETag, `"`), e.At)
	})
	intents, err := s.outbox.load()
	if err != nil {
		return err
	}
	if s.store, err = openStore(filepath.Clean(o.Dir), o.disk, s.outbox, o.Now); err != nil {
		return err
	}
	if err := s.store.recoverIntents(context.Background(), intents); err != nil {
		s.store.Shutdown()
		return err
	}
	if s.gateway, err = openGateway(s.store, o.Dir, o.Region, o.Credentials, s.gatewayError); err != nil {
		s.store.Shutdown()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Go(func() { s.outbox.run(ctx) })
	return nil
}

// Close ends requests, waits for the gateway and for event deliveries, and goes back to the
// working folder before Open. The database stays open.
func (s *Service) Close() error {
	err := s.gateway.close()
	s.cancel()
	s.running.Wait()
	return errors.Join(err, os.Chdir(s.before))
}

// ServeHTTP answers one S3 request as it came, path style or pre-signed.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if wait := s.front.refuse(s.options.Now(), r.Method, r.URL.Path); wait {
		s.slowDowns.Add(1)
		writeError(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.", r.URL.Path)
		return
	}
	s.gateway.proxy.ServeHTTP(w, r)
}

// EnsureBucket creates a bucket if it is not there. The error wraps the gateway's.
func (s *Service) EnsureBucket(ctx context.Context, bucket string) error {
	acl, err := json.Marshal(auth.ACL{Owner: owner})
	if err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	in := &s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{}, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}
	//lint:ignore SA1029 the gateway's own key
	if err := s.store.CreateBucket(context.WithValue(ctx, "bucket-owner", auth.Account{Access: owner}), in, acl); err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	return nil
}

// Put stores an object from inside the process, with the durability and the event of a PutObject
// but without HTTP and signature. It returns when the object is durable.
func (s *Service) Put(ctx context.Context, bucket, key string, body []byte) error {
	s.puts.Add(1)
	_, err := s.store.PutObject(ctx, s3response.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ContentType: aws.String("application/octet-stream"),
	})
	if err != nil {
		return fmt.Errorf("put object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Stats is cheap: counters and the list of limits that were hit.
func (s *Service) Stats() Stats {
	st := Stats{
		Requests: s.requests.Load(), Puts: s.puts.Load(), SlowDowns: s.slowDowns.Load(), GatewayErrors: s.gatewayErrors.Load(),
		LimitHits: s.front.hits(),
	}
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	st.EventsDelivered, st.EventsRetried, st.EventsWaiting = s.outbox.mu.delivered, s.outbox.mu.retried, len(s.outbox.mu.due)
	return st
}

func (s *Service) gatewayError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client is gone
	}
	s.gatewayErrors.Add(1)
	s.options.Log.Warn("s3 gateway failed", "method", r.Method, "path", r.URL.Path, "error", err)
	writeError(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.", r.URL.Path)
}
