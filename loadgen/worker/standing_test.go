package worker

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/plan"
)

func smallJob() job.Job {
	j := job.Job{Seed: 4, Target: "http://127.0.0.1:1", Phases: []string{"constant 100 for 3s"}, Timeout: time.Second,
		Requests: []job.Request{{Name: "a", Path: "/a"}, {Name: "b", Path: "/b"}}}
	j.EnsureDefaults()
	return j
}

// Whatever was reported before a worker was lost, the rest is owed: reported and owed requests are
// the shard, each once.
func TestWhatIsOwedIsTheRestOfTheShard(t *testing.T) {
	j := smallJob()
	p, err := j.Plan()
	require.NoError(t, err)
	shard := p.Shard(1, 3)
	all := slices.Collect(shard.Entries())
	require.Greater(t, len(all), 50)
	rapid.Check(t, func(t *rapid.T) {
		// Results come roughly in the plan's order.
		order := slices.Clone(all)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		far := rapid.IntRange(1, 40).Draw(t, "shuffled within")
		for i := range order {
			k := min(i+r.IntN(far), len(order)-1)
			order[i], order[k] = order[k], order[i]
		}
		w := newWalk(shard.Entries())
		defer w.close()
		seen := map[uint64]int{}
		for _, e := range order[:rapid.IntRange(0, len(order)).Draw(t, "reported")] {
			w.done(e.Seq)
			seen[e.Seq]++
		}
		text, err := json.Marshal(w.standing())
		require.NoError(t, err)
		var s Standing
		require.NoError(t, json.Unmarshal(text, &s))
		for o := range unsent(&j, shard.Entries(), s, p.Length()) {
			seen[o.Seq]++
			require.False(t, o.Sent)
			require.False(t, o.Good)
		}
		require.Len(t, seen, len(all))
		for seq, n := range seen {
			require.Equal(t, 1, n, "request %d", seq)
		}
	})
}

func TestWhatIsOwedCountsAtItsWaitingTime(t *testing.T) {
	j := smallJob()
	p, err := j.Plan()
	require.NoError(t, err)
	end, n := 2*time.Second, 0
	for o := range unsent(&j, p.Entries(), Standing{}, end) {
		n++
		require.LessOrEqual(t, o.Planned, end, "it was not due")
		// As a living generator: given up at its limit, or at the end.
		require.Equal(t, min(o.Planned+time.Second, end), o.End)
		require.Equal(t, time.Second, o.Latency(j.Timeout), "and censored at the timeout")
		require.Equal(t, "lost", o.Status)
	}
	due := 0
	for e := range p.Entries() {
		if e.At <= end {
			due++
		}
	}
	require.Equal(t, due, n)
	j.GiveUp = 1500 * time.Millisecond
	for o := range unsent(&j, p.Entries(), Standing{}, time.Hour) {
		require.Equal(t, 1500*time.Millisecond, o.Latency(j.Timeout))
	}
	j.Closed = &job.Closed{Users: 1, For: time.Second}
	for range unsent(&j, p.Entries(), Standing{}, end) {
		require.Fail(t, "users who wait owe nothing")
	}
}

// Recorded outcomes that were told by the second and by shard are, byte for byte, the outcomes of
// one process.
func TestWhatIsToldAddsUpToTheWholeExactly(t *testing.T) {
	j := smallJob()
	p, err := j.Plan()
	require.NoError(t, err)
	record := func(e plan.Entry) measure.Outcome {
		r := plan.Rand(1, "outcome", e.Seq)
		start := e.At + time.Duration(r.Int64N(int64(3*time.Millisecond)))
		o := measure.Outcome{Labels: measure.Labels{Endpoint: j.Requests[e.Tenant].Name, Status: "200"}, Seq: e.Seq, Planned: e.At, Start: start,
			End: start + time.Duration(r.ExpFloat64()*float64(80*time.Millisecond)), Sent: r.IntN(9) > 0, Trace: measure.NoTrace, In: 7}
		o.Good = o.Sent && r.IntN(5) > 0
		return o
	}
	whole, course := measure.New(j.Timeout), measure.NewCourse(j.Timeout)
	for e := range p.Entries() {
		o := record(e)
		whole.Add(&o)
		course.Add(&o)
	}
	r := &Result{Result: job.Result{Measure: measure.New(j.Timeout), Course: measure.NewCourse(j.Timeout), Failures: map[string]int64{}}}
	for i := range 4 {
		told := newShard(j.Timeout)
		mine := newTally(j.Timeout, p.Shard(i, 4).Entries())
		tell := func() {
			text, err := json.Marshal(mine.take())
			require.NoError(t, err)
			for range 2 { // the second time the answer was lost
				var m progress
				require.NoError(t, json.Unmarshal(text, &m))
				_, err = told.add(m)
				require.NoError(t, err)
			}
		}
		n := 0
		for e := range p.Shard(i, 4).Entries() {
			o := record(e)
			mine.add(&o)
			if n++; n%20 == 0 {
				tell()
			}
		}
		tell()
		mine.close()
		for range unsent(&j, p.Shard(i, 4).Entries(), told.standing, time.Hour) {
			require.Fail(t, "all was told")
		}
		_, err := told.add(progress{N: told.n + 2, Measure: measure.New(j.Timeout), Course: measure.NewCourse(j.Timeout)})
		require.ErrorContains(t, err, "progress", "a gap")
		require.NoError(t, r.add(told.of()))
	}
	for _, pair := range [][2]any{{whole, r.Measure}, {course, r.Course}} {
		want, err := json.Marshal(pair[0])
		require.NoError(t, err)
		got, err := json.Marshal(pair[1])
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
}
