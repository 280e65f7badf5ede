package export_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/prompb"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/export"
	"github.com/retailflow/stampede/loadgen/measure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver keeps the last body that was sent to it.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	body   []byte
	header http.Header
	path   string
	pushes int
	status int
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		r.body, r.header, r.path = body, q.Header.Clone(), q.URL.Path
		r.pushes++
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return r
}

func open(t *testing.T, text string, m *export.Metrics) export.Exporter {
	t.Helper()
	d, err := export.Parse(text)
	require.NoError(t, err)
	e, err := d.Open(t.Context(), m)
	require.NoError(t, err)
	return e
}

// figures are of three requests: a good one, a refused one, and one that was never sent.
func figures() *export.Metrics {
	m := export.NewMetrics("nightly", 2*time.Second)
	for _, o := range []measure.Outcome{
		{Labels: measure.Labels{Endpoint: "a", Status: "200"}, Start: time.Millisecond, End: 31 * time.Millisecond, Sent: true, Good: true, In: 100, Out: 10},
		{Labels: measure.Labels{Endpoint: "a", Status: "503"}, End: 3 * time.Millisecond, Sent: true, Retries: 2},
		{Labels: measure.Labels{Endpoint: "b", Status: "late"}, Start: 3 * time.Second, End: 3 * time.Second},
	} {
		m.Add(&o)
	}
	m.Sample(attack.Sample{CPU: 1500 * time.Millisecond, Goroutines: 12, Heap: 1e6, UnderWay: 3, GCPause: time.Millisecond})
	return m
}

// want is what any Prometheus should know of figures.
var want = map[string]float64{
	`stampede_requests_total{endpoint="a",good="true",load="nightly",status="200"}`:  1,
	`stampede_requests_total{endpoint="a",good="false",load="nightly",status="503"}`: 1,
	`stampede_dropped_requests_total{endpoint="b",load="nightly"}`:                   1,
	`stampede_retries_total{endpoint="a",load="nightly"}`:                            2,
	`stampede_received_bytes_total{endpoint="a",load="nightly"}`:                     100,
	`stampede_response_seconds_bucket{endpoint="a",le="0.05",load="nightly"}`:        1,
	`stampede_response_seconds_bucket{endpoint="a",le="2",load="nightly"}`:           2,
	`stampede_response_seconds_bucket{endpoint="b",le="2",load="nightly"}`:           0,
	`stampede_response_seconds_bucket{endpoint="b",le="+Inf",load="nightly"}`:        1,
	`stampede_service_seconds_count{endpoint="a",load="nightly"}`:                    2,
	`stampede_lag_seconds_count{load="nightly"}`:                                     3,
	`stampede_generator_cpu_seconds_total{load="nightly"}`:                           1.5,
	`stampede_requests_under_way{load="nightly"}`:                                    3,
}

func TestScrape(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	d, err := export.Parse("prometheus://" + address)
	require.NoError(t, err)
	_, err = d.Open(t.Context(), figures())
	require.ErrorContains(t, err, "address already in use")
	require.NoError(t, free.Close())

	e := open(t, "prometheus://"+address, figures())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header))
	vector, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.Now()}, families(t, decoder)...)
	require.NoError(t, err)
	got := map[string]float64{}
	for _, s := range vector {
		got[strings.ReplaceAll(s.Metric.String(), ", ", ",")] = float64(s.Value)
	}
	requireAll(t, got)
	require.NoError(t, e.Close(t.Context()))
	_, err = client.Get("http://" + address + "/metrics")
	require.Error(t, err)
}

func requireAll(t *testing.T, got map[string]float64) {
	t.Helper()
	for name, value := range want {
		has, ok := got[name]
		require.True(t, ok, "%s is missing in %v", name, got)
		require.Equal(t, value, has, name)
	}
}

func TestRemoteWrite(t *testing.T) {
	r := receive(t)
	m := export.NewMetrics("", time.Second)
	e := open(t, "remote-write+"+r.URL, m)
	require.Equal(t, 1, r.pushes, "a receiver is tried before the load")
	require.NoError(t, e.Close(t.Context()))

	e = open(t, "remote-write+"+r.URL+"/push", figures())
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, "/push", r.path)
	require.Equal(t, "snappy", r.header.Get("Content-Encoding"))
	text, err := snappy.Decode(nil, r.body)
	require.NoError(t, err)
	var w prompb.WriteRequest
	require.NoError(t, w.Unmarshal(text))
	got := map[string]float64{}
	for _, s := range w.Timeseries {
		var name string
		var labels []string
		last := ""
		for _, l := range s.Labels {
			require.Less(t, last, l.Name, "labels are sorted")
			switch last = l.Name; l.Name {
			case "__name__":
				name = l.Value
			case "job":
				require.Equal(t, "stampede", l.Value)
			default:
				labels = append(labels, l.Name+`="`+l.Value+`"`)
			}
		}
		require.Len(t, s.Samples, 1)
		require.WithinDuration(t, time.Now(), time.UnixMilli(s.Samples[0].Timestamp), time.Minute)
		got[name+"{"+strings.Join(labels, ",")+"}"] = s.Samples[0].Value
	}
	requireAll(t, got)
}

func TestOTLP(t *testing.T) {
	r := receive(t)
	e := open(t, "otlp+"+r.URL, figures())
	require.NoError(t, e.Close(t.Context()))
	require.Equal(t, "/v1/metrics", r.path)
	require.Equal(t, "application/x-protobuf", r.header.Get("Content-Type"))
	var w collector.ExportMetricsServiceRequest
	require.NoError(t, proto.Unmarshal(r.body, &w))
	require.Equal(t, "stampede", w.ResourceMetrics[0].Resource.Attributes[0].Value.GetStringValue())
	byName := map[string]*otlp.Metric{}
	for _, scope := range w.ResourceMetrics[0].ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	require.Len(t, byName["stampede_requests_total"].GetSum().DataPoints, 3)
	require.True(t, byName["stampede_requests_total"].GetSum().IsMonotonic)
	for _, p := range byName["stampede_response_seconds"].GetHistogram().DataPoints {
		counts := map[string]uint64{"a": 2, "b": 1}
		require.Equal(t, counts[p.Attributes[0].Value.GetStringValue()], p.Count)
	}
	require.EqualValues(t, 12, byName["stampede_generator_goroutines"].GetGauge().DataPoints[0].GetAsDouble())
}

// A receiver that is not there is said before the load, one that goes away at its end.
func TestAReceiverThatRefuses(t *testing.T) {
	for _, scheme := range []string{"remote-write+", "otlp+"} {
		r := receive(t)
		e := open(t, scheme+r.URL, figures())
		r.mu.Lock()
		r.status = http.StatusForbidden
		r.mu.Unlock()
		require.ErrorContains(t, e.Close(t.Context()), "push the last figures")
		d, err := export.Parse(scheme + r.URL)
		require.NoError(t, err)
		_, err = d.Open(context.Background(), figures())
		require.ErrorContains(t, err, "403")
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{"prometheus://", "statsd://127.0.0.1:8125", "remote-write+ftp://x", "http://x", "prometheuss://x", "::"} {
		_, err := export.Parse(text)
		require.Error(t, err, text)
	}
	d, err := export.Parse("otlp+https://collector.example")
	require.NoError(t, err)
	require.Equal(t, "otlp+https://collector.example", d.String())
	require.Len(t, export.Forms(), 3)
}

func families(t *testing.T, d expfmt.Decoder) []*dto.MetricFamily {
	t.Helper()
	var all []*dto.MetricFamily
	for {
		f := &dto.MetricFamily{}
		if err := d.Decode(f); err == io.EOF {
			return all
		} else {
			require.NoError(t, err)
		}
		all = append(all, f)
	}
}
