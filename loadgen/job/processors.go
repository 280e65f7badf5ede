package job

import (
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
)

// oneProcessor is the rate, in requests/s, up to which one processor sends plain HTTP with half of
// its time to spare.
const oneProcessor = 8000

// fewest makes the process run on one processor if that is enough for the job, and gives it back
// all of them with restore, or with a sample that shows that it was not. With more of them the
// scheduler wakes a thread for nearly every goroutine that becomes ready, which then finds nothing
// left to do: a sixth of what a request costs. The variable GOMAXPROCS has the last word.
func (j *Job) fewest(rate arrival.Intensity) (look func(attack.Sample), restore func()) {
	if os.Getenv("GOMAXPROCS") != "" || j.Closed != nil || !strings.HasPrefix(j.Target, "http://") || j.Check.Share > 0.1 || peak(rate) > oneProcessor {
		return func(attack.Sample) {}, func() {}
	}
	all := runtime.GOMAXPROCS(1)
	restore = func() { runtime.GOMAXPROCS(all) }
	return func(s attack.Sample) {
		if s.CPU > s.Span*7/10 && runtime.GOMAXPROCS(0) < all {
			restore()
		}
	}, restore
}

// peak is the highest rate of any second, in requests/s, of long loads of any ten-thousandth.
func peak(rate arrival.Intensity) float64 {
	length := rate.Length()
	step := min(max(time.Second, length/10_000), length)
	highest := 0.0
	for from := time.Duration(0); from < length; from += step {
		highest = max(highest, (rate.Total(from+step)-rate.Total(from))/step.Seconds())
	}
	return highest
}
