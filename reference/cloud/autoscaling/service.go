package autoscaling

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// Name is the service's name in signatures.
const Name = "application-autoscaling"

// MaxBody is the largest request body in bytes.
const MaxBody = 1 << 20

// Tables is what is scaled. An index of "" is the table itself; units are capacity units a
// second.
type Tables interface {
	Provisioned(table, index string, c quota.Capacity) (int64, error)
	Provision(table, index string, c quota.Capacity, units int64) error
	Consumed(table, index string, c quota.Capacity) float64 // in the last whole minute
}

// Options say how to open a Service. DB and Tables are required.
type Options struct {
	DB              *pebble.DB // shared; keys begin with "autoscaling/"
	Tables          Tables
	Region, Account string           // in ARNs; "us-east-1" and "000000000000" if empty
	Now             func() time.Time // time.Now if nil
	Log             *slog.Logger     // silence if nil
	Manual          bool             // no loop: the caller ticks
}

// Service is the embedded Application Auto Scaling. It is safe for concurrent use.
type Service struct {
	db         *pebble.DB
	tables     Tables
	prefix     string // of ARNs
	now        func() time.Time
	log        *slog.Logger
	operations wire.Operations
	gate       wire.Gate
	closing    chan struct{}

	mu struct {
		sync.Mutex
		targets    map[resource]*target
		activities []activity // newest last, bounded
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads targets and policies and starts to follow them.
func Open(o Options) (*Service, error) {
	if o.DB == nil || o.Tables == nil {
		return nil, errors.New("open autoscaling: no database or no tables")
	}
	s := &Service{
		db: o.DB, tables: o.Tables, now: wire.Clock(o.Now), log: wire.Logger(o.Log), closing: make(chan struct{}),
		prefix: fmt.Sprintf("arn:aws:%%s:%s:%s:", cmp.Or(o.Region, wire.Region), cmp.Or(o.Account, wire.Account)),
	}
	s.operations = wire.Operations{
		"RegisterScalableTarget":    wire.Decoded(s.registerTarget),
		"DeregisterScalableTarget":  wire.Decoded(s.deregisterTarget),
		"DescribeScalableTargets":   wire.Decoded(s.describeTargets),
		"PutScalingPolicy":          wire.Decoded(s.putPolicy),
		"DeleteScalingPolicy":       wire.Decoded(s.deletePolicy),
		"DescribeScalingPolicies":   wire.Decoded(s.describePolicies),
		"DescribeScalingActivities": wire.Decoded(s.describeActivities),
	}
	s.mu.targets = map[resource]*target{}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open autoscaling: %w", err)
	}
	if !o.Manual {
		s.gate.Go(s.loop)
	}
	return s, nil
}

// Close stops the loop and waits for it and for the calls being answered.
func (s *Service) Close() error {
	if s.gate.Close() {
		close(s.closing)
	}
	s.gate.Wait()
	return nil
}

// ServeAWS answers one call.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if !s.gate.Enter() {
		wire.ReplyError(w, r, wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is shutting down."))
		return
	}
	defer s.gate.Leave()
	out, err := s.operations.Call(r)
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	wire.ReplyJSON(w, r, out)
}

func invalid(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

func notFound(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ObjectNotFoundException", format, args...)
}
