package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/plan"
)

// single sends one event a request and nothing else.
var single = plan.Mix{BatchMean: 1, BatchCap: 1}

func starts(p *plan.Plan) (out []time.Duration) {
	for e := range p.Entries() {
		out = append(out, e.At)
	}
	return out
}

func TestEvenArrivals(t *testing.T) {
	p := newPlan(t, plan.Options{Events: phases(t, arrival.Constant(4, 3*time.Second)), Mix: single, Even: true})
	var want []time.Duration
	for i := range 12 {
		want = append(want, 125*time.Millisecond+time.Duration(i)*250*time.Millisecond)
	}
	require.Equal(t, want, starts(p))
}

// A recorded trace is replayed to the microsecond, warped as asked.
func TestTraceIsReplayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Duration(0)
		moments := []time.Duration{0}
		for range rapid.IntRange(0, 200).Draw(t, "more") {
			at += time.Duration(rapid.Int64Range(0, 100_000).Draw(t, "gap")) * 2 * time.Microsecond
			moments = append(moments, at)
		}
		volume := rapid.IntRange(1, 3).Draw(t, "volume")
		trace, err := arrival.NewTimes(moments, 0, arrival.Warp{Speed: 2, Volume: float64(volume)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(plan.Options{Events: trace, Mix: single, Even: true, Tenants: []float64{1}})
		if err != nil {
			t.Fatal(err)
		}
		var want []time.Duration
		for _, m := range moments {
			for range volume {
				want = append(want, m/2)
			}
		}
		got := starts(p)
		if len(got) != len(want) {
			t.Fatalf("%d requests, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("request %d starts at %s, want %s", i, got[i], want[i])
			}
		}
	})
}

func TestHotTenants(t *testing.T) {
	weights := make([]float64, 1000)
	for i := range weights {
		weights[i] = 1
	}
	p := newPlan(t, plan.Options{Seed: 5, Tenants: weights, Events: phases(t, arrival.Constant(2000, 30*time.Second)), Mix: single,
		Hot: []plan.Hot{{From: 10 * time.Second, To: 20 * time.Second, Share: 0.6, Tenants: []int32{7, 8}}}})
	var hot, during, before float64
	for e := range p.Entries() {
		special := e.Tenant == 7 || e.Tenant == 8
		switch {
		case e.At >= 10*time.Second && e.At < 20*time.Second:
			during++
			if special {
				hot++
			}
		case special:
			before++
		}
	}
	require.InDelta(t, 0.6+0.4*0.002, hot/during, 4.5*0.0035) // √(0.6·0.4/20000)
	require.Less(t, before, 140.0)                            // of 40,000 × 0.002 = 80

	_, err := plan.New(plan.Options{Tenants: weights, Events: phases(t, arrival.Constant(1, time.Second)), Mix: single,
		Hot: []plan.Hot{{To: time.Second, Share: 2, Tenants: []int32{0}}, {To: time.Second, Tenants: []int32{1000}}}})
	require.ErrorContains(t, err, "hot tenants [0] with share 2")
	require.ErrorContains(t, err, "hot tenants [1000] with share 0")
}
