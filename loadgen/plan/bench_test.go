package plan_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/plan"
)

// BenchmarkDay draws all requests of a day of 15 million events, reads and replays included, and
// says what CPU it took and how large the heap was at most: at the end of an hour of the plan.
func BenchmarkDay(b *testing.B) {
	hours := [24]float64{4, 2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 4}
	day, err := arrival.Day(15e6/86400, hours, 0, 24*time.Hour)
	require.NoError(b, err)
	p := newPlan(b, plan.Options{Seed: 1, Events: phases(b, day...), Tenants: make2400()})
	b.Run("events=15000000", func(b *testing.B) {
		entries, events, most := 0, 0, uint64(0)
		began := processor()
		for b.Loop() {
			hour := time.Hour
			for e := range p.Entries() {
				if entries++; !e.Replay() {
					events += int(e.Events)
				}
				if e.At >= hour {
					hour += time.Hour
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
			}
		}
		b.ReportMetric((processor()-began).Seconds()/float64(b.N), "cpu-s/day")
		b.ReportMetric(float64(entries)/float64(b.N), "requests/day")
		b.ReportMetric(float64(events)/float64(b.N), "events/day")
		b.ReportMetric(float64(most)/(1<<20), "heap-MiB")
	})
}

// processor is the CPU of this process.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
