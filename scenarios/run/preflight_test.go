package run

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// head is a scenario of four lines that can be run.
const head = `name: preflight
load:
  phases:
    - {name: steady, for: 10s, rate: 10/s}
`

func TestPreflight(t *testing.T) {
	dir := t.TempDir()
	orders := filepath.Join(dir, "orders.csv.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintln(z, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n1,A,x,1,2011-11-29 08:00:00,1.5,7,UK")
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(orders, b.Bytes(), 0o600))

	for _, c := range []struct {
		name, text string
		set        []string
		want       string // "" is a scenario that can be run
	}{
		{name: "nothing to find"},
		{name: "the excerpt's day", text: "real-orders: {replay: on, day: 2010-12-09, tenant: t2400}"},
		{name: "a file without its day", text: "real-orders: {replay: on, file: " + orders + "}"},
		{name: "a file with its day", text: "real-orders: {replay: on, file: " + orders + ", day: 2011-11-29}"},
		{name: "a file that nobody replays", text: "real-orders: {file: absent.csv.gz}"},
		{name: "a day without its file", text: "real-orders: {day: 2011-11-29}",
			want: "p.yaml:5:20: day: the orders that come with stampede are of 2010-12-09: another day needs its file"},
		{name: "a day that the file has not", text: "real-orders: {replay: on, file: " + orders + "}", set: []string{"real-orders.day=2011-11-30"},
			want: "--set real-orders.day=2011-11-30: day: " + orders + " has no line of 2011-11-30"},
		{name: "a missing file, an unknown tenant", text: "real-orders:\n  replay: on\n  file: absent.csv.gz\n  tenant: t2401",
			want: "p.yaml:7:9: file: open absent.csv.gz: no such file or directory\np.yaml:8:11: tenant: no tenant \"t2401\"; allowed: t0001 to t2400"},
		{name: "a file of something else", text: "real-orders: {replay: on, file: preflight.go}",
			want: "p.yaml:5:33: file: preflight.go: read retail day (the busiest): not gzip: gzip: invalid header"},
		{name: "one tenant, on whatever platform", text: "tenants: {count: 1}\nseed: 2"},
		{name: "limits off", text: "limits: off"},
		{name: "limits of services", text: "limits: {dynamodb: off, sqs: aws, lambda: {concurrency: 5, idle_timeout: 5s}}"},
		{name: "limits of one name", text: "limits: {dynamodb: {latency: {read: {median: 2ms}}, split_after: off}}", set: []string{"limits.dynamodb.latency.write.p99=3ms"}},
		{name: "limits that are none", text: "limits:\n  sqs: {in_flight: -1, inflight: 1}\n  events: {event_age: 5}\n  s3: {put_per_prefix: 0x}", set: []string{"limits.states.start_rat=5"},
			want: `--set limits.states.start_rat=5: unknown limit "start_rat" of states; allowed: start_rate, start_burst, transition_rate, transition_burst, open_executions, history_events, payload_bytes, definition_bytes, retention
p.yaml:6:20: in_flight: -1 is no limit: want more than zero; off lifts it
p.yaml:6:24: unknown limit "inflight" of sqs; allowed: in_flight, message_bytes, batch_entries, purge_interval, moves_per_second
p.yaml:7:23: event_age: "5" is not a duration: write it with a unit, such as 250ms, 2s or 5m
p.yaml:8:24: put_per_prefix: "0x" is not a number`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := scenarios.Parse("p.yaml", []byte(head+c.text+"\n"), c.set, Preflight(0)...)
			if c.want != "" {
				require.EqualError(t, err, c.want)
				// Drill finds the same in a scenario that nobody has checked.
				s, err := scenarios.Parse("p.yaml", []byte(head+c.text+"\n"), c.set)
				require.NoError(t, err)
				out := filepath.Join(dir, "out")
				_, err = Drill(t.Context(), Options{Scenario: s, Out: out})
				require.EqualError(t, err, c.want)
				require.NoDirExists(t, out)
				return
			}
			require.NoError(t, err)
			_, err = newPopulation(s, 3, time.Unix(1.7e9, 0))
			require.NoError(t, err)
		})
	}
}

// The parser knows the services by the names that the cloud has for them, and what a scenario says
// of limits arrives there.
func TestLimitsReachTheCloud(t *testing.T) {
	for _, service := range cloud.LimitServices() {
		s, err := scenarios.Parse("p.yaml", []byte(head+"limits: {"+service+": off}\n"), nil, Preflight(0)...)
		require.NoError(t, err)
		given, found := limitsOf(s.Limits)
		require.Empty(t, found)
		require.Equal(t, []cloud.LimitChange{{Service: service, Value: "off"}}, given.Changes())
		require.Equal(t, []reports.AWSDefault{{Service: service, Setting: "all limits", AWS: "imposed", Run: "off"}}, limitDefaults(s.Limits))
		requireArrives(t, given)
	}
	_, err := scenarios.Parse("p.yaml", []byte(head+"limits: {nobody: off}\n"), nil)
	require.ErrorContains(t, err, "allowed: "+strings.Join(cloud.LimitServices(), ", "))

	for mode, want := range map[string]cloud.Limits{"aws": cloud.AWSLimits(), "off": cloud.NoLimits()} {
		s, err := scenarios.Parse("p.yaml", []byte(head+"limits: "+mode+"\n"), nil)
		require.NoError(t, err)
		given, _ := limitsOf(s.Limits)
		require.Equal(t, want, given)
		requireArrives(t, given)
	}
}

func TestChangedLimitsAreInTheReport(t *testing.T) {
	s, err := scenarios.Parse("p.yaml", []byte(head+"limits: {sqs: {in_flight: 1000, batch_entries: 10}, dynamodb: off}\n"), nil, Preflight(0)...)
	require.NoError(t, err)
	require.Equal(t, []reports.AWSDefault{
		{Service: "dynamodb", Setting: "all limits", AWS: "imposed", Run: "off"},
		{Service: "sqs", Setting: "in_flight", AWS: "120000", Run: "1000"},
	}, limitDefaults(s.Limits), "ten entries are AWS's own limit")
}

// requireArrives holds what `stampede cloud --limits` reads against what was meant.
func requireArrives(t *testing.T, want cloud.Limits) {
	t.Helper()
	argument, err := limitsFile(want, t.TempDir())
	require.NoError(t, err)
	got, err := cloud.ReadLimits(argument)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestTenantsWithoutSpreadAreEqual(t *testing.T) {
	for _, c := range []scenarios.Tenants{
		{Count: 10, Sizes: scenarios.Lognormal, Exponent: 0.99},
		{Count: 10, Sizes: scenarios.Zipf, Sigma: 1.5},
	} {
		tenants, err := tenant.Draw(tenantOptions(c, 1))
		require.NoError(t, err)
		for _, one := range tenants {
			require.InDelta(t, 0.1, one.Size, 1e-12, "%+v", c)
		}
	}
}
