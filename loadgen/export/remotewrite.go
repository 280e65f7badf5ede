package export

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/snappy"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/prompb"
)

// openRemoteWrite speaks version 1.0 of the protocol, which all receivers know
// (https://prometheus.io/docs/specs/prw/remote_write_spec/).
func openRemoteWrite(ctx context.Context, u *url.URL, m *Metrics) (Exporter, error) {
	if u.Path == "" {
		u.Path = "/api/v1/write"
	}
	return openPusher(ctx, pushEach, func(ctx context.Context) error {
		families, err := m.registry.Gather()
		if err != nil {
			return fmt.Errorf("gather metrics: %w", err)
		}
		return remoteWrite(ctx, u.String(), writeRequest(families, time.Now()))
	})
}

func remoteWrite(ctx context.Context, url string, w *prompb.WriteRequest) error {
	text, err := w.Marshal()
	if err != nil {
		return fmt.Errorf("encode metrics: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(snappy.Encode(nil, text)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "stampede")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		says, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // an answer without a reason is one all the same
		return fmt.Errorf("the receiver answered %s: %s", answer.Status, bytes.TrimSpace(says))
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// writeRequest is the families as series of one sample each.
func writeRequest(families []*dto.MetricFamily, now time.Time) *prompb.WriteRequest {
	w := &prompb.WriteRequest{}
	for _, f := range families {
		add := func(m *dto.Metric, suffix string, value float64, more ...prompb.Label) {
			labels := append([]prompb.Label{{Name: "__name__", Value: f.GetName() + suffix}, {Name: "job", Value: "stampede"}}, more...)
			for _, l := range m.GetLabel() {
				labels = append(labels, prompb.Label{Name: l.GetName(), Value: l.GetValue()})
			}
			slices.SortFunc(labels, func(a, b prompb.Label) int { return cmp.Compare(a.Name, b.Name) })
			w.Timeseries = append(w.Timeseries, prompb.TimeSeries{Labels: labels, Samples: []prompb.Sample{{Value: value, Timestamp: now.UnixMilli()}}})
		}
		for _, m := range f.GetMetric() {
			switch {
			case m.Counter != nil:
				add(m, "", m.Counter.GetValue())
			case m.Gauge != nil:
				add(m, "", m.Gauge.GetValue())
			case m.Histogram != nil:
				h := m.Histogram
				for _, b := range h.GetBucket() {
					add(m, "_bucket", float64(b.GetCumulativeCount()), prompb.Label{Name: "le", Value: strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)})
				}
				add(m, "_bucket", float64(h.GetSampleCount()), prompb.Label{Name: "le", Value: "+Inf"})
				add(m, "_sum", h.GetSampleSum())
				add(m, "_count", float64(h.GetSampleCount()))
			}
		}
	}
	return w
}
