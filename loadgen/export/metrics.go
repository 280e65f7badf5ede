package export

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/measure"
)

// buckets of histograms, in seconds; 0.142 is the platform's own objective.
var buckets = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .142, .2, .5, 1, 2, 5, 10, 30, 60}

// Metrics is a load as cumulative metrics, by endpoint. Make one with [NewMetrics]; safe for
// concurrent use.
type Metrics struct {
	timeout  time.Duration
	registry *prometheus.Registry

	requests                   *prometheus.CounterVec // endpoint, status, good
	dropped, retries, out, in  *prometheus.CounterVec // endpoint
	response, service          *prometheus.HistogramVec
	lag                        prometheus.Observer
	cpu                        prometheus.Counter
	goroutines, heap, underWay prometheus.Gauge
	pause                      prometheus.Gauge

	mu struct {
		sync.Mutex
		known map[key]*handles
	}
}

type key struct {
	measure.Labels
	good bool
}

// handles are the metrics of one key, so that they are looked up once.
type handles struct {
	requests, dropped, retries, out, in prometheus.Counter
	response, service                   prometheus.Observer
}

// NewMetrics begins at zero. A request without a good answer counts at the timeout. The name, if
// any, is the label "load" of every metric.
func NewMetrics(name string, timeout time.Duration) *Metrics {
	m := &Metrics{timeout: timeout, registry: prometheus.NewRegistry()}
	m.mu.known = map[key]*handles{}
	var fixed prometheus.Labels
	if name != "" {
		fixed = prometheus.Labels{"load": name}
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stampede_" + name, Help: help, ConstLabels: fixed}, labels)
		m.registry.MustRegister(c)
		return c
	}
	durations := func(name, help string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stampede_" + name, Help: help, ConstLabels: fixed, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "stampede_" + name, Help: help, ConstLabels: fixed})
		m.registry.MustRegister(g)
		return g
	}
	m.requests = counters("requests_total", "Planned requests that have an outcome.", "endpoint", "status", "good")
	m.dropped = counters("dropped_requests_total", "Planned requests that were never sent.", "endpoint")
	m.retries = counters("retries_total", "Further attempts.", "endpoint")
	m.out = counters("sent_bytes_total", "Bytes of bodies sent.", "endpoint")
	m.in = counters("received_bytes_total", "Bytes of bodies received.", "endpoint")
	m.response = durations("response_seconds", "From the planned time to the last byte; at the timeout at least without a good answer.", "endpoint")
	m.service = durations("service_seconds", "From sending to the last byte.", "endpoint")
	m.lag = durations("lag_seconds", "From the planned time to sending: how late the generator was.").WithLabelValues()
	m.cpu = counters("generator_cpu_seconds_total", "User and system time of the generator.").WithLabelValues()
	m.goroutines = gauge("generator_goroutines", "Goroutines of the generator.")
	m.heap = gauge("generator_heap_bytes", "Objects of the generator, live or not yet swept.")
	m.underWay = gauge("requests_under_way", "Requests without an outcome.")
	m.pause = gauge("generator_gc_pause_seconds", "The longest stop of the last second.")
	return m
}

func (m *Metrics) at(k key) *handles {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.mu.known[k]
	if !ok {
		h = &handles{
			requests: m.requests.WithLabelValues(k.Endpoint, k.Status, strconv.FormatBool(k.good)),
			dropped:  m.dropped.WithLabelValues(k.Endpoint), retries: m.retries.WithLabelValues(k.Endpoint),
			out: m.out.WithLabelValues(k.Endpoint), in: m.in.WithLabelValues(k.Endpoint),
			response: m.response.WithLabelValues(k.Endpoint), service: m.service.WithLabelValues(k.Endpoint),
		}
		m.mu.known[k] = h
	}
	return h
}

// Add counts one planned request.
func (m *Metrics) Add(o *measure.Outcome) {
	h := m.at(key{o.Labels, o.Good})
	h.requests.Inc()
	h.retries.Add(float64(o.Retries))
	h.out.Add(float64(o.Out))
	h.in.Add(float64(o.In))
	h.response.Observe(o.Latency(m.timeout).Seconds())
	m.lag.Observe((o.Start - o.Planned).Seconds())
	if !o.Sent {
		h.dropped.Inc()
		return
	}
	h.service.Observe((o.End - o.Start).Seconds())
}

// Sample publishes the generator's look at itself.
func (m *Metrics) Sample(s attack.Sample) {
	m.cpu.Add(max(s.CPU, 0).Seconds())
	m.goroutines.Set(float64(s.Goroutines))
	m.heap.Set(float64(s.Heap))
	m.underWay.Set(float64(s.UnderWay))
	m.pause.Set(s.GCPause.Seconds())
}
