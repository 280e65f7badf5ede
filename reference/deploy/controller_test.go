package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports/stat"
)

func TestHealthyReleaseIsPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, "ingest-events", "query-analytics")
		began := time.Now()
		out, err := controller(t, w, release("ingest-events", "query-analytics")).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, Promoted, out.Result)
		require.Equal(t, []string{"start", "advance", "advance", "promote"}, actions(out))
		require.Equal(t, []float64{0.1, 0.1, 0.5, 1}, weights(out))
		require.Nil(t, out.Stopwatch)
		w.at(t, "2")
		require.InDelta(t, 30, time.Since(began).Seconds(), 3)
		require.Contains(t, out.Decisions[3].Reason, "is excluded")
		require.EqualValues(t, len(w.calls), out.ControlCalls)
	})
}

func weights(out Outcome) (all []float64) {
	for _, d := range out.Decisions {
		all = append(all, d.Weight)
	}
	return all
}

func TestBadReleaseIsRolledBack(t *testing.T) {
	for name, bad := range map[string]rates{"errors": {0.10, 0.005}, "slow answers": {0.005, 0.10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(2, "ingest-events", "query-analytics")
				w.canary = bad
				repaired := ""
				began := time.Now()
				out, err := controller(t, w, release("ingest-events", "query-analytics"), func(o *Options) {
					o.Repair = func(_ context.Context, why string) error { repaired = why; return nil }
				}).Run(t.Context())
				require.NoError(t, err)
				require.Equal(t, RolledBack, out.Result)
				require.Equal(t, []string{"start", "advance", "roll back", "reverted", "safe"}, actions(out))
				require.Contains(t, out.Reason, name)
				require.Equal(t, out.Reason, repaired)
				w.at(t, "1")
				s := out.Stopwatch
				require.NotNil(t, s)
				require.Less(t, s.Detected.Sub(began), 20*time.Second)
				order := []time.Time{began, s.FirstBad, s.Detected, s.Decided, s.Reverted, s.DataRepaired}
				for i := 1; i < len(order); i++ {
					require.False(t, order[i].Before(order[i-1]), "moment %d", i)
				}
				require.WithinDuration(t, s.Decided, s.TrafficSafe, 2*time.Second)
				require.GreaterOrEqual(t, out.Decisions[2].EValue, 100.0)
			})
		})
	}
}

func TestRungHoldsUntilEnoughIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3, "f")
		w.rate = 20 // 2 a second on the first rung: 150 s for 300
		began := time.Now()
		var needs []int64
		out, err := controller(t, w, release("f"), func(o *Options) {
			o.Status = func(d Decision) { needs = append(needs, d.NeedRequests) }
		}).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"start", "advance", "hold", "advance", "hold", "promote"}, actions(out))
		require.InDelta(t, 260, needs[2], 10, "the hold says how much traffic it needs")
		require.Contains(t, out.Decisions[2].Reason, "more are needed")
		require.InDelta(t, 150+30, time.Since(began).Seconds(), 6)
	})
}

func TestScalingShortensOnlyTheHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(4, "f")
		r := release("f")
		r.Ladder, r.TimeScale = DefaultLadder(), 1800
		r.MinJudged = 100
		w.rate = 2000
		began := time.Now()
		out, err := controller(t, w, r, func(o *Options) { o.SampleEvery = 100 * time.Millisecond }).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, Promoted, out.Result)
		// 30 min and 9 × 15 min become 1 s and 9 × 0.5 s; the first rung waits for 100 requests at 20/s.
		require.InDelta(t, 5+4.5, time.Since(began).Seconds(), 2)
	})
}

func TestReleaseStartsOnlyFromTheStableVersion(t *testing.T) {
	w := newWorld(5, "f")
	w.put("f", "1", map[string]float64{"9": 0.5})
	out, err := controller(t, w, release("f")).Run(t.Context())
	require.ErrorIs(t, err, ErrNotStable)
	require.Equal(t, Interrupted, out.Result)
}

func TestAnotherHandOnAnAliasRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(6, "f")
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(5 * time.Second)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.flow()
			w.put("f", "7", nil)
		}()
		out, err := controller(t, w, release("f")).Run(t.Context())
		<-done
		require.NoError(t, err)
		require.Equal(t, RolledBack, out.Result)
		require.Contains(t, out.Reason, "moved by another hand to version 7")
		w.at(t, "1")
	})
}

func TestLostAnswersAndThrottlingAreSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(7, "f", "g")
		w.loseAfter = 3
		w.throttle = 5
		out, err := controller(t, w, release("f", "g")).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, Promoted, out.Result)
		w.at(t, "2")
	})
}

func TestRollbackKeepsToTheControlPlanesRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 18 {
			names = append(names, fmt.Sprintf("f%02d", i))
		}
		w := newWorld(8, names...)
		w.rate, w.canary = 30, rates{0.9, 0}
		r := release(names...)
		c := controller(t, w, r, func(o *Options) {
			o.Status = func(d Decision) {
				if d.Action == "roll back" {
					w.mu.Lock()
					w.throttle = 20
					w.mu.Unlock()
				}
			}
		})
		out, err := c.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, RolledBack, out.Result)
		w.at(t, "1")
		for i := range w.calls {
			n := 0
			for _, other := range w.calls[i:] {
				if other.Sub(w.calls[i]) < time.Second {
					n++
				}
			}
			require.LessOrEqual(t, n, 2*controlRate, "a burst of one second's tokens and the next second's")
		}
		require.Less(t, out.Stopwatch.Reverted.Sub(out.Stopwatch.Decided), time.Minute)
	})
}

func TestBlindControllerNeitherAdvancesNorEndsARollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9, "f")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		out, err := controller(t, w, release("f"), func(o *Options) {
			o.Status = func(d Decision) {
				w.mu.Lock()
				w.blind = w.blind || d.Action == "advance"
				w.mu.Unlock()
			}
		}).Run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, Interrupted, out.Result)
		require.Equal(t, []string{"start", "advance", "hold"}, actions(out))
	})
}

// TestControllerMayDieAnywhere kills the controller before and after each of its effects, lets
// another one continue from the journal, and expects the same end.
func TestControllerMayDieAnywhere(t *testing.T) {
	for _, bad := range []bool{false, true} {
		for _, before := range []bool{true, false} {
			for kill := 1; ; kill++ {
				died := false
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(uint64(kill), "f", "g")
					want, version := Promoted, "2"
					if bad {
						w.canary = rates{0.5, 0}
						want, version = RolledBack, "1"
					}
					journal := filepath.Join(t.TempDir(), "journal")
					repairs := 0
					at := func(o *Options) {
						o.Journal, o.SampleEvery = journal, 2*time.Second
						o.Repair = func(context.Context, string) error {
							return w.effect(func() error { repairs++; return nil })
						}
					}
					r := release("f", "g")
					r.Alpha = 1e-6 // hundreds of runs, and no false alarm is wanted here
					w.killAt, w.before = kill, before
					// A killed controller does not retry: its context ends with it.
					ctx, cancel := context.WithCancel(t.Context())
					first := controller(t, w, r, at, func(o *Options) { o.Aliases, o.Evidence = mortal{w, cancel}, mortal{w, cancel} })
					out, err := first.Run(ctx)
					cancel()
					died = err != nil
					if !died {
						require.Equal(t, want, out.Result, "kill %d: %+v", kill, out)
						return
					}
					w.killAt = 0
					time.Sleep(3 * time.Second)
					for runs := 0; ; runs++ {
						require.Less(t, runs, 3)
						out, err = controller(t, w, r, at).Run(t.Context())
						if !errors.Is(err, ErrNotStable) { // died before the first record
							break
						}
					}
					require.NoError(t, err, "kill %d", kill)
					require.Equal(t, want, out.Result, "kill %d: %+v", kill, out)
					w.at(t, version)
					require.Equal(t, bad, repairs > 0, "what a rolled-back version wrote is repaired")
				})
				if !died {
					require.Greater(t, kill, 12, "the last step was reached")
					break
				}
			}
		}
	}
}

// mortal ends the controller's context when the world has killed it.
type mortal struct {
	*world
	die context.CancelFunc
}

func (m mortal) Get(ctx context.Context, f, a string) (Alias, error) {
	out, err := m.world.Get(ctx, f, a)
	if errors.Is(err, errKilled) {
		m.die()
	}
	return out, err
}

func (m mortal) Set(ctx context.Context, f, a, v string, w map[string]float64, r string) (Alias, error) {
	out, err := m.world.Set(ctx, f, a, v, w, r)
	if errors.Is(err, errKilled) {
		m.die()
	}
	return out, err
}

func (m mortal) Sample(ctx context.Context) (map[Version]Counts, error) {
	out, err := m.world.Sample(ctx)
	if errors.Is(err, errKilled) {
		m.die()
	}
	return out, err
}

// TestRevivedControllerIsFenced stops a controller in the middle of a rung, lets another roll back,
// and revives the first.
func TestRevivedControllerIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(11, "f")
		journal := filepath.Join(t.TempDir(), "journal")
		at := func(o *Options) { o.Journal = journal }
		frozen, thaw := make(chan struct{}), make(chan struct{})
		end := make(chan error, 1)
		go func() {
			_, err := controller(t, w, release("f"), at, func(o *Options) {
				o.Status = func(d Decision) {
					if d.Weight == 0.5 {
						close(frozen)
						<-thaw
					}
				}
			}).Run(t.Context())
			end <- err
		}()
		<-frozen
		w.mu.Lock()
		w.canary = rates{0.5, 0}
		w.mu.Unlock()
		out, err := controller(t, w, release("f"), at).Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, RolledBack, out.Result)
		close(thaw)
		require.ErrorIs(t, <-end, ErrFenced)
		w.at(t, "1")
	})
}

func TestHealthyReleasesAreNotRolledBackBeyondAlpha(t *testing.T) {
	const runs, alpha = 100, 0.1
	rolled := 0
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1000+seed, "f")
			w.stable = rates{0.02, 0.05}
			w.canary = w.stable
			r := release("f")
			r.Alpha = alpha
			out, err := controller(t, w, r).Run(t.Context())
			require.NoError(t, err)
			if out.Result == RolledBack {
				rolled++
			}
		})
	}
	_, high := stat.ProportionBounds(int64(runs*alpha), runs, 0.99)
	require.LessOrEqual(t, float64(rolled), high*runs, "%d of %d healthy releases were rolled back", rolled, runs)
	t.Logf("%d of %d healthy releases rolled back at alpha %g", rolled, runs, alpha)
}

func TestBadReleasesAreFoundQuickly(t *testing.T) {
	const runs = 25
	var total int64
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(2000+seed, "f")
			w.canary = rates{0.055, 0.005} // 5 % more errors
			out, err := controller(t, w, release("f")).Run(t.Context())
			require.NoError(t, err)
			require.Equal(t, RolledBack, out.Result, "seed %d", seed)
			total += out.CanaryRequests
		})
	}
	t.Logf("5 %% more errors are found after %d canary requests on average", total/runs)
	require.Less(t, total/runs, int64(600))
}

func TestPlanSaysWhatTheLadderCanDetect(t *testing.T) {
	r := release("f")
	r.Ladder = nil
	r.EnsureDefaults()
	plan := r.Plan(100, 0.01)
	require.Len(t, plan, 10)
	require.EqualValues(t, 1800, plan[0].Judged)
	require.True(t, plan[0].Enough)
	require.Less(t, plan[9].Detectable, plan[0].Detectable)
	require.Less(t, plan[9].Detectable, 0.01)
	require.False(t, (&Release{Functions: r.Functions, Ladder: r.Ladder, TimeScale: 1800, Alpha: 0.01, MinJudged: 300}).Plan(100, 0.01)[0].Enough)
}

func TestLadderIsTheRealOne(t *testing.T) {
	rungs := DefaultLadder()
	require.Len(t, rungs, 10)
	require.Equal(t, Rung{0.01, 30 * time.Minute}, rungs[0])
	require.InDelta(t, 0.91, rungs[9].Weight, 1e-12)
	require.Len(t, Ladder(0.5, 0, 0, 0), 1)
	require.Len(t, Ladder(0.1, 0, 0.1, 0), 9)
}

func TestReleaseFaultsAreAllNamed(t *testing.T) {
	_, err := NewController(Options{Release: Release{
		Functions: []FunctionRelease{{Name: "f", Stable: "1", Canary: "1", Unjudged: true}}, Ladder: []Rung{{0.5, 0}, {0.4, -1}}, TimeScale: 0.5, Alpha: 2,
	}})
	for _, want := range []string{"both version 1", "no function of the release is judged", "rung 1: weight 0.4", "hold is -1ns", "time scale 0.5", "alpha is 2", "no aliases", "no evidence", "no journal"} {
		require.ErrorContains(t, err, want)
	}
}

func TestJournalSurvivesACutLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(path)
	require.NoError(t, err)
	at := time.Now().Round(0).UTC()
	counts := sample{{"f", "1"}: {Requests: 7, Errors: 1, FirstBad: at}}
	require.NoError(t, j.Append(Record{Epoch: 1, Kind: KindEpoch, At: at}, true))
	require.NoError(t, j.Append(Record{Epoch: 1, Kind: KindSample, At: at, Sample: counts}, false))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := 1; cut < len(whole); cut += 7 {
		require.NoError(t, os.WriteFile(path, append(append([]byte(nil), whole...), whole[:cut]...), 0o644))
		j, err = OpenJournal(path)
		require.NoError(t, err, "cut at %d", cut)
		records, err := j.Records()
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(records), 2)
		require.Equal(t, counts, records[1].Sample)
		require.NoError(t, j.Append(Record{Epoch: 2, Kind: KindEpoch, At: at}, true))
		require.NoError(t, j.Close())
	}
	damaged := append([]byte(nil), whole...)
	damaged[20] ^= 1
	require.NoError(t, os.WriteFile(path, damaged, 0o644))
	_, err = OpenJournal(path)
	require.ErrorContains(t, err, "damaged record")
}

func TestOfTwoClaimsTheFirstWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	a, err := OpenJournal(path)
	require.NoError(t, err)
	b, err := OpenJournal(path)
	require.NoError(t, err)
	require.NoError(t, a.Append(Record{Epoch: 1, Kind: KindEpoch}, true))
	require.ErrorIs(t, b.Append(Record{Epoch: 1, Kind: KindEpoch}, true), ErrFenced)
	c, err := OpenJournal(path)
	require.NoError(t, err)
	require.NoError(t, a.Append(Record{Epoch: 1, Kind: KindSample}, false))
	require.NoError(t, c.Append(Record{Epoch: 2, Kind: KindEpoch}, true), "an older controller's records do not count")
	require.ErrorIs(t, a.Append(Record{Epoch: 1, Kind: KindSample}, false), ErrFenced)
	require.NoError(t, c.Append(Record{Epoch: 2, Kind: KindSample}, false))
	for _, j := range []*Journal{a, b, c} {
		require.NoError(t, j.Close())
	}
}

func TestCountersThatBeginAgainAreNotNegative(t *testing.T) {
	require.Equal(t, Counts{Requests: 5, Errors: 1}, Counts{Requests: 5, Errors: 1}.since(Counts{Requests: 100, Errors: 10}))
	require.Equal(t, Counts{Requests: 5}, Counts{Requests: 105, Slow: 3}.since(Counts{Requests: 100, Slow: 3}))
}
