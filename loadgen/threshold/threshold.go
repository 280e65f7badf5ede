package threshold

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Function is what is taken of a metric.
type Function string

// The functions. A quantile is written p50, p99, p99.9 and so on; its [Threshold.Quantile] says which.
const (
	Quantile Function = "p"
	Min      Function = "min"
	Mean     Function = "mean"
	Max      Function = "max"
	Count    Function = "count"
	Rate     Function = "rate" // of requests: a second; of all others: the share of planned requests
)

// Metric is what is measured of each request.
type Metric string

// The durations. Latency counts from the planned start, and what was refused, failed or never
// sent counts at its timeout at least.
const (
	Latency   Metric = "latency"
	Service   Metric = "service"    // from sending to the last byte
	Lag       Metric = "lag"        // from the planned start to sending: how late the generator was
	Wait      Metric = "wait"       // for a connection
	DNS       Metric = "dns"        // the look-up within it
	Connect   Metric = "connect"    // the TCP connection within it
	TLS       Metric = "tls"        // the handshake within it
	FirstByte Metric = "first_byte" // from the request being written to the answer's first byte
)

// Freshness is from an event's acceptance to its being visible in a summary: a duration of a drill's
// probes rather than of its requests, so it has no labels. [Durations] leaves it out.
const Freshness Metric = "freshness"

// The counters.
const (
	Requests Metric = "requests" // planned
	Errors   Metric = "errors"   // planned requests without a good answer
	Dropped  Metric = "dropped"  // planned requests that were never sent
	Retries  Metric = "retries"  // further attempts
	Failures Metric = "failures" // answers that an assertion did not like
)

var (
	durations = []Metric{Latency, Service, Lag, Wait, DNS, Connect, TLS, FirstByte}
	counters  = []Metric{Requests, Errors, Dropped, Retries, Failures}
	operators = []string{"<=", ">=", "==", "!=", "<", ">"} // longer ones first
	labels    = []string{"class", "endpoint", "status"}
)

// Durations are the metrics of a request that have quantiles.
func Durations() []Metric { return slices.Clone(durations) }

// isDuration says whether a metric has quantiles.
func (m Metric) isDuration() bool { return m == Freshness || slices.Contains(durations, m) }

// Unit says how a bound is written.
type Unit string

// The units of a bound.
const (
	Seconds   Unit = "duration" // 142ms, 1.5s
	Share     Unit = "percent"  // 0.1%
	PerSecond Unit = "rate"     // 1000/s
	Number    Unit = "number"   // 0
)

// Threshold is one comparison. Make one with [Parse].
type Threshold struct {
	Function Function
	Quantile float64 // in (0, 1), of the function Quantile
	Metric   Metric
	Labels   map[string]string // all must match; nil: every request
	Operator string            // one of < <= > >= == !=
	Bound    float64           // in seconds, as a share of 1, a second, or a count
	Unit     Unit
}

// String writes the threshold so that [Parse] reads the same one.
func (t Threshold) String() string {
	var b strings.Builder
	b.WriteString(string(t.Function))
	if t.Function == Quantile {
		b.WriteString(trim(t.Quantile * 100))
	}
	b.WriteByte('(')
	b.WriteString(string(t.Metric))
	if len(t.Labels) > 0 {
		b.WriteByte('{')
		for i, name := range slices.Sorted(maps.Keys(t.Labels)) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(name + "=" + quote(t.Labels[name]))
		}
		b.WriteByte('}')
	}
	return b.String() + ") " + t.Operator + " " + t.Write(t.Bound)
}

// Write writes a value in the unit of the bound.
func (t Threshold) Write(value float64) string {
	switch t.Unit {
	case Seconds:
		return time.Duration(value * float64(time.Second)).Round(time.Nanosecond).String()
	case Share:
		return trim(value*100) + "%"
	case PerSecond:
		return trim(value) + "/s"
	case Number:
	}
	return trim(value)
}

// trim writes a number to twelve digits, so that 0.999 × 100 is 99.9.
func trim(v float64) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Figures is what was measured.
type Figures interface {
	// Duration is a function (not Count or Rate) of a duration metric over the requests that
	// match, in seconds, and how many there are.
	Duration(f Function, quantile float64, m Metric, labels map[string]string) (seconds float64, n int64)
	// Counted is a counter over the requests that match, and how many were planned of those
	// that match the labels other than status.
	Counted(m Metric, labels map[string]string) (count, planned int64)
	// Span is the length of the load.
	Span() time.Duration
}

// Judgement is what a threshold came to.
type Judgement struct {
	Threshold Threshold
	Value     float64 // in the unit of the bound; 0 without data
	Requests  int64   // that it is over
	Holds     bool    // false without data
}

// Judge holds the threshold against what was measured.
func (t Threshold) Judge(f Figures) Judgement {
	j := Judgement{Threshold: t}
	switch {
	case t.Metric.isDuration():
		j.Value, j.Requests = f.Duration(t.Function, t.Quantile, t.Metric, t.Labels)
	default:
		var count int64
		count, j.Requests = f.Counted(t.Metric, t.Labels)
		switch {
		case t.Function == Count:
			j.Value = float64(count)
		case t.Unit == PerSecond:
			if span := f.Span().Seconds(); span > 0 {
				j.Value = float64(count) / span
			}
		case j.Requests > 0:
			j.Value = float64(count) / float64(j.Requests)
		}
	}
	j.Holds = j.Requests > 0 && compare(j.Value, t.Operator, t.Bound)
	return j
}

// String says what was found.
func (j Judgement) String() string {
	if j.Requests == 0 {
		return j.Threshold.String() + ": no data"
	}
	return j.Threshold.String() + ": " + j.Threshold.Write(j.Value)
}

func compare(v float64, operator string, bound float64) bool {
	switch operator {
	case "<":
		return v < bound
	case "<=":
		return v <= bound
	case ">":
		return v > bound
	case ">=":
		return v >= bound
	case "==":
		return v == bound
	}
	return v != bound
}
