package run

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reports"
)

// deployed is what a deployment really asks for.
func deployed(t *testing.T, cfg stack.Config) []stack.Setting {
	t.Helper()
	c, err := cloud.Open(cloud.Options{DataDir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	cfg.Endpoints = stack.Endpoints{Data: c.URL(), Edge: c.URL(), AccessKey: "local", Secret: "local"}
	cfg.FunctionBinary = "/bin/false"
	asked, err := stack.Apply(t.Context(), cfg)
	require.NoError(t, err)
	return asked
}

func listed(t *testing.T, rows []reports.AWSDefault, setting string) reports.AWSDefault {
	t.Helper()
	i := slices.IndexFunc(rows, func(r reports.AWSDefault) bool { return r.Setting == setting })
	require.GreaterOrEqual(t, i, 0, "%s is not in %+v", setting, rows)
	return rows[i]
}

// The report's list is read from the deployment's requests: whatever is altered there shows.
func TestEverySettingThatIsNotAWSsIsListed(t *testing.T) {
	asked := deployed(t, stack.Config{BufferInterval: 2 * time.Second, Plans: []stack.UsagePlan{{Name: "growth", Rate: 7, Burst: 9, DailyQuota: 100}}})
	rows := settingDefaults(asked)
	require.Equal(t, reports.AWSDefault{Service: "Firehose", Setting: "buffering interval", AWS: "300 s",
		Run:    "2 s (stampede-customers, stampede-orders, stampede-products)",
		Source: "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"}, listed(t, rows, "buffering interval"))
	for setting, run := range map[string]string{
		"timeout of functions":               "10 s (ingest-events, ingest-webhooks, query-analytics); 60 s (process-customers, process-insights, process-orders, process-products)",
		"retention of queues":                "336 h (process-customers-dlq, process-orders-dlq, process-products-dlq)",
		"answers of functions behind queues": "ReportBatchItemFailures (process-customers, process-orders, process-products)",
		"billing of tables":                  "PAY_PER_REQUEST (stampede-analytics, stampede-core)",
		"warm writes of indexes":             "16,000 units/s (stampede-core)",
		"quota of a usage plan's keys":       "100 requests (growth)",
		"priority of function processes":     "background (process-customers, process-insights, process-orders, process-products)",
	} {
		require.Equal(t, run, listed(t, rows, setting).Run)
	}

	defaults := cloud.Defaults()
	for i, s := range asked {
		known := slices.ContainsFunc(defaults, func(d wire.Setting) bool { return d.Operation == s.Operation && d.Member == s.Member })
		require.True(t, known, "%s %s: its service names no default, so the report cannot tell AWS's", s.Operation, s.Member)
		altered := slices.Clone(asked)
		altered[i].Value += "9"
		require.NotEqual(t, rows, settingDefaults(altered), "%+v", s)
	}
}

func TestSettingsLikeAWSsAreNotListed(t *testing.T) {
	rows := settingDefaults(deployed(t, stack.Config{BufferInterval: 5 * time.Minute, BufferBytes: 5_000_000}))
	for _, r := range rows {
		require.False(t, strings.HasPrefix(r.Setting, "buffering"), "%+v", r)
	}
}

func TestUnknownSettingsAreListed(t *testing.T) {
	rows := settingDefaults([]stack.Setting{{Service: "Lambda", Operation: "PutRuntimeManagementConfig", Resource: "f", Member: "UpdateRuntimeOn", Value: "Manual"}})
	require.Equal(t, []reports.AWSDefault{{Service: "Lambda", Setting: "PutRuntimeManagementConfig UpdateRuntimeOn", AWS: "none", Run: "Manual (f)"}}, rows)
}
