package lambda

import (
	"runtime"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Limits of Lambda. The zero of a field is no limit, unless its comment says otherwise.
type Limits struct {
	// Concurrency is the number of invocations at once in the account and region; what
	// reservations leave to the others is at least UnreservedConcurrency.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	Concurrency           int `yaml:"concurrency"`
	UnreservedConcurrency int `yaml:"unreserved_concurrency"`
	// RequestsPerSlot times the concurrency is how many invocations a second a function may start.
	RequestsPerSlot float64 `yaml:"requests_per_slot"`
	// ScaleUp is how many environments a function may add in each ScaleWindow.
	// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
	ScaleUp     int           `yaml:"scale_up"`
	ScaleWindow time.Duration `yaml:"scale_window"`
	// SyncPayload, SyncResponse and AsyncPayload are bytes of an event or an answer.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	SyncPayload  int `yaml:"sync_payload"`
	SyncResponse int `yaml:"sync_response"`
	AsyncPayload int `yaml:"async_payload"`
	// EnvironmentBytes bounds the names and values of a function's own variables together.
	EnvironmentBytes int `yaml:"environment_bytes"`
	// ZipBytes and CodeBytes bound an uploaded archive and what it unpacks to.
	ZipBytes  int64 `yaml:"zip_bytes"`
	CodeBytes int64 `yaml:"code_bytes"`
	// InitTimeout is how long an environment may take until it asks for its first invocation.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	InitTimeout time.Duration `yaml:"init_timeout"`
	// IdleTimeout is how long an unused environment is kept; zero keeps it. AWS documents no
	// number; 10 minutes is within what is observed.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	// AsyncRetry1 and AsyncRetry2 are the waits before the retries of a failed asynchronous
	// event, AsyncAge is how old one may become (zero: for ever).
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
	AsyncRetry1 time.Duration `yaml:"async_retry_1"`
	AsyncRetry2 time.Duration `yaml:"async_retry_2"`
	AsyncAge    time.Duration `yaml:"async_age"`
	// MappingStart batches are polled at once from the beginning, MappingMax at most,
	// MappingGrowth more a minute while the queue keeps up (all three at least 1).
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	MappingStart  int `yaml:"mapping_start"`
	MappingGrowth int `yaml:"mapping_growth"`
	MappingMax    int `yaml:"mapping_max"`

	// StartsAtOnce and AsyncAtOnce guard the host and are stampede-only: processes being
	// initialised and asynchronous events being tried at the same time. An invocation waits for
	// its turn to start a process, or takes an environment that becomes free before. Starting a
	// process costs as much as serving a few dozen invocations, so more starts at once than the
	// machine has processors turn a short stall into a long one.
	StartsAtOnce int `yaml:"starts_at_once"`
	// Processes guards the host's memory, stampede-only too: with so many environments of all
	// functions together, invocations of a function that has some wait for them. 0 is no guard.
	Processes   int `yaml:"processes"`
	AsyncAtOnce int `yaml:"async_at_once"`
}

const (
	quotaSource = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
	maxTimeout  = 900   // seconds
	minMemory   = 128   // MB
	maxMemory   = 10240 // MB
)

// AWSLimits are AWS's documented defaults, and guards for a small host.
func AWSLimits() Limits {
	l := NoLimits()
	l.Concurrency, l.UnreservedConcurrency = 1000, 100
	l.RequestsPerSlot = 10
	l.ScaleUp, l.ScaleWindow = 1000, 10*time.Second
	l.SyncPayload, l.SyncResponse, l.AsyncPayload = 6<<20, 6<<20+100, 1<<20
	l.EnvironmentBytes = 4 << 10
	l.ZipBytes, l.CodeBytes = 50<<20, 250<<20
	return l
}

// NoLimits gives raw speed: no quotas, only the times and guards without which nothing works.
func NoLimits() Limits {
	return Limits{
		InitTimeout: 10 * time.Second, IdleTimeout: 10 * time.Minute,
		AsyncRetry1: time.Minute, AsyncRetry2: 2 * time.Minute, AsyncAge: 6 * time.Hour,
		MappingStart: 5, MappingGrowth: 300, MappingMax: 1250,
		StartsAtOnce: runtime.NumCPU(), Processes: 64 * runtime.NumCPU(), AsyncAtOnce: 32,
	}
}

func (l *Limits) concurrency() quota.ConcurrencyLimits {
	return quota.ConcurrencyLimits{
		Account: l.Concurrency, UnreservedMinimum: l.UnreservedConcurrency,
		ScaleUp: l.ScaleUp, ScaleWindow: l.ScaleWindow, RequestsPerSlot: l.RequestsPerSlot,
	}
}
