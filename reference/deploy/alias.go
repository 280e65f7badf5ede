package deploy

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Errors that an [Aliases] returns wrapped.
var (
	ErrRevision  = errors.New("the alias has another revision") // the write did not happen
	ErrThrottled = errors.New("the control plane throttles")
)

// Alias is where a function's alias points.
type Alias struct {
	Version    string             // of all traffic that Weights leave
	Weights    map[string]float64 // of at most one further version
	RevisionID string
}

// points says whether the alias is as wanted, whatever its revision.
func (a Alias) points(version string, weights map[string]float64) bool {
	return a.Version == version && maps.Equal(a.Weights, weights)
}

// Aliases reads and writes aliases. Set writes only over the given revision, else it returns
// [ErrRevision]; its result has the new one.
type Aliases interface {
	Get(ctx context.Context, function, alias string) (Alias, error)
	Set(ctx context.Context, function, alias, version string, weights map[string]float64, revisionID string) (Alias, error)
}

// Evidence reads what each version has answered so far.
type Evidence interface {
	Sample(ctx context.Context) (map[Version]Counts, error)
}

// controlRate is how many requests a second Lambda's control plane takes for one account:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
const controlRate = 15

// pacer keeps alias calls within the control plane's rate and repeats throttled ones.
type pacer struct {
	to     Aliases
	bucket quota.TokenBucket
	calls  int64
}

func newPacer(to Aliases, rate float64) *pacer {
	return &pacer{to: to, bucket: quota.NewTokenBucket(rate, rate)}
}

func (p *pacer) get(ctx context.Context, f FunctionRelease) (a Alias, err error) {
	err = p.call(ctx, func() error {
		a, err = p.to.Get(ctx, f.Name, f.Alias)
		return err
	})
	return a, err
}

func (p *pacer) set(ctx context.Context, f FunctionRelease, version string, weights map[string]float64, revision string) (a Alias, err error) {
	err = p.call(ctx, func() error {
		a, err = p.to.Set(ctx, f.Name, f.Alias, version, weights, revision)
		return err
	})
	return a, err
}

// call waits for a token; after a throttled answer it waits again, twice as long each time.
func (p *pacer) call(ctx context.Context, do func() error) error {
	pause := 100 * time.Millisecond
	for {
		if err := sleep(ctx, p.bucket.RetryAfter(time.Now(), 1)); err != nil {
			return err
		}
		p.bucket.Take(time.Now(), 1)
		p.calls++
		err := do()
		if !errors.Is(err, ErrThrottled) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
