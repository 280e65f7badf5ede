package run

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
	"github.com/retailflow/stampede/reference/deploy/stack"
)

// quiet is a platform at rest: its scheduled roll-up waits for the next pass.
func quiet() cloud.Stats {
	return cloud.Stats{
		Firehose: &firehose.Stats{}, S3: &s3.Stats{}, EventBridge: &eventbridge.Stats{}, SQS: &sqs.Stats{}, Lambda: &lambda.Stats{},
		StepFunctions: &stepfunctions.Stats{Running: 2, Machines: []stepfunctions.MachineStats{{Name: stack.StateMachine, Running: 2}}},
	}
}

// platformOf is a world whose processes answer with these counters, the n-th look with stats(n),
// and whose tables hold no marker.
func platformOf(t *testing.T, stats func(look int64) cloud.Stats) *world {
	t.Helper()
	var looks atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]any{"Count": 0, "Items": []any{}}
		if r.URL.Path == cloud.StatsPath {
			answer = stats(looks.Add(1))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return &world{dataURL: server.URL, edgeURL: server.URL, http: server.Client(),
		clients: stack.NewClients(stack.Endpoints{Data: server.URL, Edge: server.URL, AccessKey: accessKey, Secret: secretKey})}
}

func TestDrainedWhileTheScheduledRollUpRests(t *testing.T) {
	w := platformOf(t, func(int64) cloud.Stats { return quiet() })
	require.Empty(t, w.drained(t.Context()))
	require.Empty(t, w.drain(t.Context(), time.Minute, t.Logf))
}

func TestNotDrainedWhileSomethingIsUnderWay(t *testing.T) {
	for _, tc := range []struct {
		want string
		busy func(*cloud.Stats)
	}{
		{"3 passes of roll-up", func(s *cloud.Stats) { s.StepFunctions.Machines[0].Tasks = 3 }},
		{"1 executions of report", func(s *cloud.Stats) {
			s.StepFunctions.Machines = append(s.StepFunctions.Machines, stepfunctions.MachineStats{Name: "report", Running: 1})
		}},
		// A data process that was killed forgets whom it had called.
		{"1 invocations of process-insights", func(s *cloud.Stats) {
			s.Lambda.Functions = []lambda.FunctionStats{{Function: stack.ProcessInsights, Busy: 1}, {Function: stack.QueryAnalytics, Busy: 2}}
		}},
		// Its client timed out, and it will still deliver.
		{"1 invocations of ingest-events", func(s *cloud.Stats) {
			s.Lambda.Functions = []lambda.FunctionStats{{Function: stack.IngestEvents, Busy: 1}}
		}},
		{"4 asynchronous invocations", func(s *cloud.Stats) { s.Lambda.Async.Pending = 4 }},
		{"7 records in delivery buffers", func(s *cloud.Stats) { s.Firehose.Streams = []firehose.StreamStats{{BufferedRecords: 7}} }},
		{"1 objects not announced", func(s *cloud.Stats) { s.S3.EventsWaiting = 1 }},
		{"1 events not delivered", func(s *cloud.Stats) { s.EventBridge.Pending = 1 }},
		{"6 messages in queues", func(s *cloud.Stats) {
			s.SQS.Queues = []sqs.QueueStats{{Name: "process-orders", Visible: 1, InFlight: 2, Delayed: 3}, {Name: "process-orders-dlq", Visible: 9}}
		}},
	} {
		t.Run(tc.want, func(t *testing.T) {
			w := platformOf(t, func(int64) cloud.Stats {
				s := quiet()
				tc.busy(&s)
				return s
			})
			require.Equal(t, []string{tc.want}, w.drained(t.Context()))
			require.Equal(t, []string{tc.want}, w.drain(t.Context(), 0, t.Logf), "the deadline does not make it drained")
		})
	}
}

// TestPassThatTheMarkersHid: a pass that began before the last marker vanished shows in the look
// at executions only if that comes after the markers.
func TestPassThatTheMarkersHid(t *testing.T) {
	w := platformOf(t, func(look int64) cloud.Stats {
		s := quiet()
		if look == 3 { // after edge, data and markers
			s.StepFunctions.Machines[0].Tasks = 1
		}
		return s
	})
	require.Equal(t, []string{"1 passes of roll-up"}, w.drained(t.Context()))
}
