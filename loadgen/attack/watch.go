package attack

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/gonum/stat"
)

// Watch is what the generator saw of itself. Latencies are only as good as it is well.
type Watch struct {
	Samples []Sample
	CPU     time.Duration // user and system time of this process during the load
	Lag     Lag           // over the whole load
	Cores   int           // processors of the machine
	Late    int64         // requests not sent because they were too late
	Sockets int64         // requests for which this machine had no free port, file or buffer
}

// Lag is how late requests started. It is part of their response time, never hidden in it.
type Lag struct {
	Count               int64
	P50, P99, P999, Max time.Duration
}

// Sample is one look, over the time since the one before.
type Sample struct {
	At         time.Duration // elapsed since the start of the load
	Span       time.Duration // that it covers
	CPU        time.Duration // user and system time of this process
	GCPause    time.Duration // longest stop of the world, to the resolution of the runtime's histogram
	Goroutines int
	Heap       uint64 // bytes of live and not yet swept objects
	Memory     uint64 // bytes that the runtime has from the system and not given back
	UnderWay   int64  // the most requests without an outcome at once
	Lag        Lag
}

// Limits say when the generator was ill. Zero values mean the defaults.
type Limits struct {
	LagP99  time.Duration // 0 means 50 ms
	GCPause time.Duration // 0 means 50 ms
	Late    int64         // requests given up; the default is none
	CPU     float64       // share of the machine's processors over the load, 0 to 1; 0 means 0.9
}

// Faults names what exceeds the limits; a run with faults is invalid. A load that sent
// nothing is at fault too.
func (w Watch) Faults(l Limits) []string {
	if l.LagP99 == 0 {
		l.LagP99 = 50 * time.Millisecond
	}
	if l.GCPause == 0 {
		l.GCPause = 50 * time.Millisecond
	}
	if l.CPU == 0 {
		l.CPU = 0.9
	}
	var faults []string
	var span time.Duration
	for _, s := range w.Samples {
		span += s.Span
	}
	// What is read late is blamed on the target, and a generator out of processor reads late.
	if most := time.Duration(float64(span) * float64(w.Cores) * l.CPU); span >= time.Second && w.Cores > 0 && w.CPU > most {
		faults = append(faults, fmt.Sprintf("the generator used %s of processor time in %s on %d processors, allowed %s", w.CPU.Round(time.Millisecond), span.Round(time.Millisecond), w.Cores, most.Round(time.Millisecond)))
	}
	if w.Lag.Count == 0 {
		faults = append(faults, "no request was sent")
	}
	if w.Lag.P99 > l.LagP99 {
		faults = append(faults, fmt.Sprintf("requests started late: p99 %s, allowed %s", w.Lag.P99, l.LagP99))
	}
	if w.Late > l.Late {
		faults = append(faults, fmt.Sprintf("%d requests were given up because the generator was too late, allowed %d", w.Late, l.Late))
	}
	if w.Sockets > 0 {
		faults = append(faults, fmt.Sprintf("%d requests found no free port or file descriptor on the generator's machine", w.Sockets))
	}
	for _, s := range w.Samples {
		if s.GCPause > l.GCPause {
			faults = append(faults, fmt.Sprintf("garbage collection stopped the generator for %s at %s, allowed %s", s.GCPause, s.At.Round(time.Second), l.GCPause))
			break
		}
	}
	return faults
}

// watcher takes samples until stop.
type watcher struct {
	elapsed func() time.Duration
	each    func(Sample)
	end     chan struct{}
	done    chan struct{}

	mu struct {
		sync.Mutex
		lag, recent *hdrhistogram.Histogram // microseconds: up to the last sample, and since then
		late        int64
		sockets     int64
		underWay    int64
		peak        int64 // of underWay since the last sample
	}
	samples []Sample // the goroutine's until done is closed
	cpu     time.Duration
}

// newLagHistogram holds lags from 1 µs to a minute to two digits.
func newLagHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60e6, 2) }

func startWatch(every time.Duration, elapsed func() time.Duration, each func(Sample)) *watcher {
	w := &watcher{elapsed: elapsed, each: each, end: make(chan struct{}), done: make(chan struct{})}
	w.mu.lag, w.mu.recent = newLagHistogram(), newLagHistogram()
	go w.run(every)
	return w
}

func (w *watcher) leaves() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.underWay++
	w.mu.peak = max(w.mu.peak, w.mu.underWay)
}

func (w *watcher) note(r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Sent {
		w.mu.underWay--
	}
	if r.Err == ErrLate {
		w.mu.late++
	}
	if r.Err != nil && exhausted(r.Err) {
		w.mu.sockets++
	}
	if lag := min(max(r.Lag().Microseconds(), 1), 60e6); r.Sent || r.Err == ErrLate {
		_ = w.mu.recent.RecordValue(lag) // within its bounds
	}
}

func (w *watcher) run(every time.Duration) {
	defer close(w.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	first := processCPU()
	before, pauses := first, gcPauses()
	last := time.Now()
	for ending := false; !ending; {
		select {
		case <-ticker.C:
		case <-w.end:
			ending = true
		}
		now, cpu, gc := time.Now(), processCPU(), gcPauses()
		s := Sample{At: w.elapsed(), Span: now.Sub(last), CPU: cpu - before, GCPause: longestSince(pauses, gc), Goroutines: runtime.NumGoroutine()}
		s.Heap, s.Memory = memory()
		w.mu.Lock()
		s.Lag, s.UnderWay = lagOf(w.mu.recent), w.mu.peak
		w.mu.lag.Merge(w.mu.recent)
		w.mu.recent.Reset()
		w.mu.peak = w.mu.underWay
		w.mu.Unlock()
		w.samples = append(w.samples, s)
		if w.each != nil {
			w.each(s)
		}
		last, before, pauses = now, cpu, gc
	}
	w.cpu = before - first
}

func (w *watcher) stop() Watch {
	close(w.end)
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return Watch{Samples: w.samples, CPU: w.cpu, Cores: runtime.NumCPU(), Lag: lagOf(w.mu.lag), Late: w.mu.late, Sockets: w.mu.sockets}
}

func lagOf(h *hdrhistogram.Histogram) Lag {
	us := func(v int64) time.Duration { return time.Duration(v) * time.Microsecond }
	return Lag{Count: h.TotalCount(), P50: us(h.ValueAtQuantile(50)), P99: us(h.ValueAtQuantile(99)), P999: us(h.ValueAtQuantile(99.9)), Max: us(h.Max())}
}

// processCPU is the user and system time of this process so far.
func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func memory() (heap, all uint64) {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64() - s[2].Value.Uint64()
}

// Growth is how much more memory the generator needed, in bytes a minute: the slope of the least
// squares line through the samples, without the first fifth, in which caches and connections come
// into being. ok is false where less than a minute is left.
func (w Watch) Growth() (slope float64, ok bool) {
	rest := w.Samples[len(w.Samples)/5:]
	if len(rest) < 2 || rest[len(rest)-1].At-rest[0].At < time.Minute {
		return 0, false
	}
	at, memory := make([]float64, len(rest)), make([]float64, len(rest))
	for i, s := range rest {
		at[i], memory[i] = s.At.Minutes(), float64(s.Memory)
	}
	_, slope = stat.LinearRegression(at, memory, nil, false)
	return slope, true
}

func gcPauses() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	h := s[0].Value.Float64Histogram()
	return &metrics.Float64Histogram{Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets}
}

// longestSince is the lower bound of the highest bucket that grew.
func longestSince(before, after *metrics.Float64Histogram) time.Duration {
	if before == nil || after == nil {
		return 0
	}
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if i < len(before.Counts) && after.Counts[i] > before.Counts[i] {
			return time.Duration(max(after.Buckets[i], 0) * float64(time.Second))
		}
	}
	return 0
}
