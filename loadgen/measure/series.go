package measure

import (
	"time"

	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports/stat"
)

// Series is what was measured of the requests of one set of labels.
type Series struct {
	Planned int64 `json:"planned"`
	Good    int64 `json:"good"`
	Dropped int64 `json:"dropped,omitempty"` // never sent
	Retries int64 `json:"retries,omitempty"`
	Checked int64 `json:"checked,omitempty"` // answers that assertions looked at
	Failed  int64 `json:"failed,omitempty"`  // answers that an assertion did not like
	Out     int64 `json:"bytes_out"`
	In      int64 `json:"bytes_in"`

	Latency   stat.Histogram `json:"latency"` // of all that were planned
	Lag       stat.Histogram `json:"lag"`     // of all that were planned
	Service   stat.Histogram `json:"service"` // of what was sent, as all that follow
	Wait      stat.Histogram `json:"wait"`
	DNS       stat.Histogram `json:"dns"`
	Connect   stat.Histogram `json:"connect"`
	TLS       stat.Histogram `json:"tls"`
	FirstByte stat.Histogram `json:"first_byte"`
}

func (s *Series) add(o *Outcome, timeout time.Duration) {
	s.Planned++
	count(&s.Good, o.Good)
	count(&s.Dropped, !o.Sent)
	count(&s.Checked, o.Checked)
	count(&s.Failed, o.Failed)
	s.Retries += int64(o.Retries)
	s.Out += o.Out
	s.In += o.In
	s.Latency.Record(o.Latency(timeout))
	s.Lag.Record(o.Start - o.Planned)
	if !o.Sent {
		return
	}
	s.Service.Record(o.End - o.Start)
	for _, part := range []struct {
		of   time.Duration
		into *stat.Histogram
	}{{o.Trace.Wait, &s.Wait}, {o.Trace.DNS, &s.DNS}, {o.Trace.Connect, &s.Connect}, {o.Trace.TLS, &s.TLS}, {o.Trace.FirstByte, &s.FirstByte}} {
		if part.of >= 0 {
			part.into.Record(part.of)
		}
	}
}

func count(n *int64, yes bool) {
	if yes {
		*n++
	}
}

// Merge adds another series.
func (s *Series) Merge(o *Series) {
	s.Planned += o.Planned
	s.Good += o.Good
	s.Dropped += o.Dropped
	s.Retries += o.Retries
	s.Checked += o.Checked
	s.Failed += o.Failed
	s.Out += o.Out
	s.In += o.In
	for _, m := range threshold.Durations() {
		s.Histogram(m).Merge(o.Histogram(m))
	}
}

// Histogram is that of a duration metric, nil for a counter.
func (s *Series) Histogram(m threshold.Metric) *stat.Histogram {
	switch m {
	case threshold.Latency:
		return &s.Latency
	case threshold.Lag:
		return &s.Lag
	case threshold.Service:
		return &s.Service
	case threshold.Wait:
		return &s.Wait
	case threshold.DNS:
		return &s.DNS
	case threshold.Connect:
		return &s.Connect
	case threshold.TLS:
		return &s.TLS
	case threshold.FirstByte:
		return &s.FirstByte
	}
	return nil
}

// Counter is that of a counting metric, 0 for a duration.
func (s *Series) Counter(m threshold.Metric) int64 {
	switch m {
	case threshold.Requests:
		return s.Planned
	case threshold.Errors:
		return s.Planned - s.Good
	case threshold.Dropped:
		return s.Dropped
	case threshold.Retries:
		return s.Retries
	case threshold.Failures:
		return s.Failed
	}
	return 0
}
