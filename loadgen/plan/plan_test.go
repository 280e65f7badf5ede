package plan_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/plan"
)

func phases(t require.TestingT, list ...arrival.Curve) *arrival.Phases {
	p, err := arrival.New(list...)
	require.NoError(t, err)
	return p
}

func newPlan(t require.TestingT, o plan.Options) *plan.Plan {
	if o.Tenants == nil {
		o.Tenants = []float64{5, 3, 1, 1}
	}
	p, err := plan.New(o)
	require.NoError(t, err)
	return p
}

func digest(p *plan.Plan) (sum string, n int) {
	h, b := sha256.New(), []byte(nil)
	for e := range p.Entries() {
		b, _ = e.AppendBinary(b[:0])
		h.Write(b)
		n++
	}
	return hex.EncodeToString(h.Sum(nil)), n
}

// A change of these bytes makes runs of two versions of the program incomparable: it needs a
// reason in the commit.
func TestGolden(t *testing.T) {
	p := newPlan(t, plan.Options{Seed: 42, Events: phases(t,
		arrival.Constant(174, 20*time.Second),
		arrival.Ramp{For: 5 * time.Second, From: 174, To: 3472},
		arrival.Constant(3472, 10*time.Second)),
		Extras: []plan.Extra{{At: 3 * time.Second, Tenant: 2, Events: 7}},
	})
	sum, n := digest(p)
	require.Equal(t, 6358, n)
	require.Equal(t, "f290f7090a65326d6624d63ddc07e67e2d89c8750967857a9923d4433b89ff58", sum)

	var first []plan.Entry
	for e := range p.Entries() {
		if first = append(first, e); len(first) == 3 {
			break
		}
	}
	require.Empty(t, cmp.Diff([]plan.Entry{
		{Seq: 0, At: 23853 * time.Microsecond, First: 23853 * time.Microsecond, Body: 2973113390872021083, Tenant: 3, Kind: plan.Read},
		{Seq: 2, At: 31711 * time.Microsecond, First: 31711 * time.Microsecond, Body: 9301997197532009264, Tenant: 0, Kind: plan.Read},
		{Seq: 4, At: 65845 * time.Microsecond, First: 65845 * time.Microsecond, Body: 13775586777711234326, Tenant: 3, Kind: plan.Read},
	}, first))
}

func TestRatesAreWithinPoissonBounds(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4, 5} {
		p := newPlan(t, plan.Options{Seed: seed, Events: phases(t,
			arrival.Constant(500, 100*time.Second), arrival.Ramp{For: 100 * time.Second, From: 500, To: 4000})})
		want := p.Expected()
		var got plan.Totals
		var replays, sentTwice, inFirst float64
		for e := range p.Entries() {
			if e.Replay() {
				replays++
				continue
			}
			got.Events += float64(e.Events)
			switch e.Kind {
			case plan.Batch:
				got.Batches++
			case plan.Webhook:
				got.Webhooks++
				if e.At < 100*time.Second {
					inFirst++
				}
			case plan.Read:
				got.Reads++
			}
			if e.At < p.Length()-20*time.Second && e.Kind != plan.Read {
				sentTwice++
			}
		}
		within := func(what string, want, got, variance float64) {
			t.Helper()
			require.LessOrEqual(t, math.Abs(got-want)/math.Sqrt(variance), 4.5, "seed %d: %s: got %v, want about %v", seed, what, got, want)
		}
		require.InDelta(t, 275000, want.Events, 1)
		within("batches", want.Batches, got.Batches, want.Batches)
		within("webhooks", want.Webhooks, got.Webhooks, want.Webhooks)
		within("webhooks in the first phase", 2500, inFirst, 2500)
		within("reads", 10000, got.Reads, 10000)
		// A compound Poisson number's variance is rate × E[size²]; of a geometric size (2-p)/p².
		within("events", want.Events, got.Events, want.Webhooks+want.Batches*(2-0.05)/(0.05*0.05))
		within("replays", 0.01*(got.Batches+got.Webhooks), replays, 0.012*sentTwice)
	}
}

// Arrivals inside a second are uniform and independent of the seconds' borders: the gaps of a
// constant rate must be exponential (Kolmogorov-Smirnov).
func TestGapsAreExponential(t *testing.T) {
	p := newPlan(t, plan.Options{Seed: 7, Events: phases(t, arrival.Constant(20, 2000*time.Second)),
		Mix: plan.Mix{Webhooks: 1, BatchMean: 1, BatchCap: 1}})
	var gaps []float64
	last := time.Duration(0)
	for e := range p.Entries() {
		gaps = append(gaps, (e.At-last).Seconds()*20)
		last = e.At
	}
	slices.Sort(gaps)
	distance := 0.0
	for i, g := range gaps {
		distance = max(distance, math.Abs(1-math.Exp(-g)-float64(i)/float64(len(gaps))))
	}
	require.Less(t, distance, 1.63/math.Sqrt(float64(len(gaps))), "99 % point of the Kolmogorov-Smirnov distance")
}

func TestTenantsFollowTheirWeights(t *testing.T) {
	p := newPlan(t, plan.Options{Seed: 3, Events: phases(t, arrival.Constant(20000, 100*time.Second)),
		Tenants: []float64{6, 3, 0, 1}, Webhooks: []float64{0, 1, 1, 0}})
	var batches, webhooks [4]float64
	var n, w float64
	for e := range p.Entries() {
		switch e.Kind {
		case plan.Batch:
			batches[e.Tenant]++
			n++
		case plan.Webhook:
			webhooks[e.Tenant]++
			w++
		}
	}
	for i, share := range []float64{0.6, 0.3, 0, 0.1} {
		require.InDelta(t, share, batches[i]/n, 0.006, "tenant %d", i)
	}
	require.Equal(t, [4]float64{0, webhooks[1], webhooks[2], 0}, webhooks)
	require.InDelta(t, 0.5, webhooks[1]/w, 0.01)
}

func TestSeedsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(50) {
		sum, _ := digest(newPlan(t, plan.Options{Seed: seed, Events: phases(t, arrival.Constant(100, 3*time.Second))}))
		require.False(t, seen[sum], "seed %d", seed)
		seen[sum] = true
	}
}

func TestShardsSeeksAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(1, int64(40*time.Second)).Draw(t, "length"))
		o := plan.Options{
			Seed: rapid.Uint64().Draw(t, "seed"),
			Events: phases(t, arrival.Ramp{For: length,
				From: arrival.PerSecond(rapid.Float64Range(1, 400).Draw(t, "from")), To: arrival.PerSecond(rapid.Float64Range(0, 400).Draw(t, "to"))}),
			Mix: plan.Mix{Webhooks: rapid.Float64Range(0, 1).Draw(t, "webhooks"), BatchMean: rapid.Float64Range(1, 30).Draw(t, "mean"),
				BatchCap: 50, ReadRate: rapid.Float64Range(0, 20).Draw(t, "reads"), ReplayRate: rapid.Float64Range(0, 1).Draw(t, "replay"),
				ReplayAfter: time.Second, ReplayWithin: time.Duration(rapid.Int64Range(int64(time.Second), int64(15*time.Second)).Draw(t, "within"))},
		}
		for range rapid.IntRange(0, 3).Draw(t, "extras") {
			o.Extras = append(o.Extras, plan.Extra{At: time.Duration(rapid.Int64Range(0, int64(length)-1).Draw(t, "extra"))})
		}
		p := newPlan(t, o)
		whole := slices.Collect(p.Entries())

		bySeq := map[uint64]plan.Entry{}
		extras := 0
		for i, e := range whole {
			if i > 0 && e.At < whole[i-1].At {
				t.Fatalf("entry %d starts before the one in front of it", i)
			}
			if _, twice := bySeq[e.Seq]; twice || e.At < 0 || e.At >= length || e.Events < 0 || e.Events > 50 {
				t.Fatalf("entry %d: %+v (Seq seen: %v)", i, e, twice)
			}
			bySeq[e.Seq] = e
			if e.Kind == plan.Prepared {
				extras++
			}
			if !e.Replay() {
				continue
			}
			first, ok := bySeq[e.Original()]
			first.Seq, first.At = e.Seq, e.At
			if !ok || first != e || e.At < e.First+time.Second {
				t.Fatalf("replay %+v of %+v (found: %v)", e, first, ok)
			}
		}
		if extras != len(o.Extras) {
			t.Fatalf("%d extras of %d", extras, len(o.Extras))
		}

		n := rapid.IntRange(1, 5).Draw(t, "shards")
		var union []plan.Entry
		for i := range n {
			union = append(union, slices.Collect(p.Shard(i, n).Entries())...)
		}
		slices.SortStableFunc(union, func(a, b plan.Entry) int {
			if a.At != b.At {
				return int(a.At - b.At)
			}
			if a.Seq < b.Seq {
				return -1
			}
			return 1
		})
		if diff := cmp.Diff(whole, union); diff != "" {
			t.Fatalf("union of %d shards (-whole +union):\n%s", n, diff)
		}

		from := time.Duration(rapid.Int64Range(0, int64(length)).Draw(t, "seek"))
		i := slices.IndexFunc(whole, func(e plan.Entry) bool { return e.At >= from })
		if i < 0 {
			i = len(whole)
		}
		if got := slices.Collect(p.From(from)); !slices.Equal(whole[i:], got) {
			t.Fatalf("From(%s): %s", from, cmp.Diff(whole[i:], got))
		}
	})
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := plan.New(plan.Options{
		Tenants: []float64{0, 0},
		Mix:     plan.Mix{Webhooks: 2, BatchMean: 600, BatchCap: 500, ReadRate: -1, ReplayRate: math.NaN(), ReplayAfter: 2, ReplayWithin: 1},
	})
	for _, want := range []string{"no intensity", "webhooks 2", "batch mean 600", "reads -1/s", "replay NaN", "must rise", "all weights are zero"} {
		require.ErrorContains(t, err, want)
	}
	_, err = plan.New(plan.Options{Tenants: []float64{1}, Events: phases(t, arrival.Constant(1, time.Second)), Extras: []plan.Extra{{At: time.Second}}})
	require.ErrorContains(t, err, "plan extra 0 at 1s: must be within the plan of 1s")
}

func make2400() []float64 {
	w := make([]float64, 2400)
	for i := range w {
		w[i] = 1 / float64(i+1)
	}
	return w
}
