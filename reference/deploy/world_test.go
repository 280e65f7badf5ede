package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is a control plane with the traffic behind it. Traffic flows when it is looked at.
type world struct {
	mu       sync.Mutex
	aliases  map[string]*Alias
	revision int
	random   *rand.Rand
	rate     float64 // requests a second to each function
	stable   rates
	canary   rates
	flowed   time.Time
	counts   map[Version]*Counts

	throttle  int // answers throttled from now on
	loseAfter int // Sets that succeed although they answer an error
	calls     []time.Time
	killAt    int // external effects until the controller dies; 0: never
	effects   int
	before    bool // it dies before the effect, not after
	blind     bool // evidence fails
}

type rates struct{ errors, slow float64 }

var errKilled = errors.New("killed")

func newWorld(seed uint64, functions ...string) *world {
	w := &world{aliases: map[string]*Alias{}, random: rand.New(rand.NewPCG(seed, 7)), rate: 200, stable: rates{0.005, 0.005}, canary: rates{0.005, 0.005},
		flowed: time.Now(), counts: map[Version]*Counts{}}
	for _, f := range functions {
		w.aliases[f] = &Alias{Version: "1", RevisionID: "r0"}
	}
	return w
}

// effect counts what the controller does outside itself and kills it at the chosen one.
func (w *world) effect(do func() error) error {
	w.effects++
	if w.killAt > 0 && (w.effects > w.killAt || w.effects == w.killAt && w.before) {
		return errKilled
	}
	err := do()
	if w.killAt > 0 && w.effects == w.killAt {
		return errKilled
	}
	return err
}

func (w *world) Get(ctx context.Context, function, _ string) (a Alias, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, time.Now())
	err = w.effect(func() error {
		if w.throttle > 0 {
			w.throttle--
			return fmt.Errorf("get: %w", ErrThrottled)
		}
		a = *w.aliases[function]
		a.Weights = maps.Clone(a.Weights)
		return nil
	})
	return a, err
}

func (w *world) Set(ctx context.Context, function, _, version string, weights map[string]float64, revision string) (a Alias, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flow()
	w.calls = append(w.calls, time.Now())
	err = w.effect(func() error {
		if w.throttle > 0 {
			w.throttle--
			return fmt.Errorf("set: %w", ErrThrottled)
		}
		if w.aliases[function].RevisionID != revision {
			return fmt.Errorf("set: %w", ErrRevision)
		}
		a = w.put(function, version, weights)
		if w.loseAfter > 0 {
			w.loseAfter--
			return errors.New("connection reset")
		}
		return nil
	})
	return a, err
}

func (w *world) put(function, version string, weights map[string]float64) Alias {
	w.revision++
	a := Alias{Version: version, Weights: maps.Clone(weights), RevisionID: fmt.Sprintf("r%d", w.revision)}
	w.aliases[function] = &a
	return a
}

func (w *world) Sample(context.Context) (map[Version]Counts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flow()
	if w.blind {
		return nil, errors.New("no answer")
	}
	if err := w.effect(func() error { return nil }); err != nil {
		return nil, err
	}
	out := map[Version]Counts{}
	for v, c := range w.counts {
		out[v] = *c
	}
	return out, nil
}

// flow lets the requests since the last look be answered.
func (w *world) flow() {
	dt := time.Since(w.flowed)
	w.flowed = time.Now()
	for f, a := range w.aliases {
		n := w.rate * dt.Seconds()
		for v, weight := range a.Weights {
			w.serve(Version{f, v}, n*weight)
			n -= n * weight
		}
		w.serve(Version{f, a.Version}, n)
	}
}

func (w *world) serve(v Version, n float64) {
	c := w.counts[v]
	if c == nil {
		c = &Counts{}
		w.counts[v] = c
	}
	r := w.stable
	if v.Version == "2" {
		r = w.canary
	}
	count := int64(n)
	if w.random.Float64() < n-float64(count) {
		count++
	}
	for range count {
		c.Requests++
		bad := false
		if w.random.Float64() < r.errors {
			c.Errors++
			bad = true
		} else if w.random.Float64() < r.slow {
			c.Slow++
			bad = true
		}
		if bad {
			if c.FirstBad.IsZero() {
				c.FirstBad = w.flowed
			}
			c.LastBad = w.flowed
		}
	}
}

func (w *world) at(t *testing.T, version string) {
	t.Helper()
	for f, a := range w.aliases {
		require.True(t, a.points(version, nil), "%s is at %s with %v", f, a.Version, a.Weights)
	}
}

func release(functions ...string) Release {
	r := Release{Ladder: []Rung{{0.1, 20 * time.Second}, {0.5, 10 * time.Second}}}
	for _, f := range functions {
		r.Functions = append(r.Functions, FunctionRelease{Name: f, Stable: "1", Canary: "2"})
	}
	return r
}

func controller(t *testing.T, w *world, r Release, change ...func(*Options)) *Controller {
	t.Helper()
	o := Options{Release: r, Aliases: w, Evidence: w, Journal: filepath.Join(t.TempDir(), "journal")}
	for _, c := range change {
		c(&o)
	}
	c, err := NewController(o)
	require.NoError(t, err)
	return c
}

func actions(out Outcome) (all []string) {
	for _, d := range out.Decisions {
		all = append(all, d.Action)
	}
	return all
}
