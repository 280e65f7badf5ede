package cloud_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/reference/cloud"
)

// readText reads limits from a file of the given text.
func readText(t testing.TB, text string) (cloud.Limits, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "limits.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	l, err := cloud.ReadLimits(file)
	if err != nil {
		err = errorText(strings.ReplaceAll(err.Error(), file, "limits.yaml"))
	}
	return l, err
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestEveryServiceCanBeOffAlone(t *testing.T) {
	require.Equal(t, []string{"apigateway", "dynamodb", "events", "firehose", "lambda", "s3", "sqs", "states"}, cloud.LimitServices())
	aws, off := cloud.AWSLimits(), cloud.NoLimits()
	for i, field := range reflect.VisibleFields(reflect.TypeFor[cloud.Limits]()) {
		service := field.Tag.Get("yaml")
		l, err := readText(t, service+": off\n")
		require.NoError(t, err)
		for j := range reflect.TypeFor[cloud.Limits]().NumField() {
			want := reflect.ValueOf(aws).Field(j)
			if i == j {
				want = reflect.ValueOf(off).Field(j)
			}
			require.Equal(t, want.Elem().Interface(), reflect.ValueOf(l).Field(j).Elem().Interface(), "%s: off", service)
		}
		require.Equal(t, []cloud.LimitChange{{Service: service, Value: "off"}}, l.Changes())
		require.Equal(t, service+": off\n", l.Text())
		same, err := readText(t, service+": aws\n")
		require.NoError(t, err)
		require.Equal(t, aws, same)
	}
	require.Empty(t, aws.Changes())
	require.Empty(t, aws.Text())
	require.Len(t, off.Changes(), len(cloud.LimitServices()))
	again, err := readText(t, off.Text())
	require.NoError(t, err)
	require.Equal(t, off, again)
}

// Every limit that is set is listed as changed, alone, and reads back from the text.
func TestNoChangeIsForgotten(t *testing.T) {
	for _, service := range cloud.LimitServices() {
		require.NotEmpty(t, cloud.LimitNames(service), service)
		for _, name := range cloud.LimitNames(service) {
			require.NotEmpty(t, name, "a limit of %s has no name in a file", service)
			l := cloud.AWSLimits()
			values := []string{"7", "7s", "off"} // a number, a duration, what is on
			at := slices.IndexFunc(values, func(value string) bool { return l.Set(service, name, value) == nil })
			require.GreaterOrEqual(t, at, 0, "%s.%s", service, name)
			value := values[at]
			changes := l.Changes()
			require.Len(t, changes, 1, "%s.%s", service, name)
			require.NotEmpty(t, changes[0].AWS)
			require.NotEqual(t, value, changes[0].AWS, "choose another value for this test")
			changes[0].AWS = ""
			require.Equal(t, cloud.LimitChange{Service: service, Name: name, Value: value}, changes[0])
			again, err := readText(t, l.Text())
			require.NoError(t, err)
			require.Equal(t, l, again)
		}
	}
}

func TestMistakesInAFileOfLimitsComeAllAtOnce(t *testing.T) {
	_, err := readText(t, `dynamo: off
dynamodb: on
events:
  retries: many
  rule: 4
  event_age: 5
  rules: 0
s3: {put_per_prefix: -1, get_per_prefix: .nan, get_per_prefix: 1}
sqs:
  in_flight: [1]
  purge_interval: 0s
states: [off]
`)
	require.EqualError(t, err, strings.TrimSpace(`
limits.yaml:1:1: unknown service "dynamo"; allowed: apigateway, dynamodb, events, firehose, lambda, s3, sqs, states
limits.yaml:2:11: dynamodb: want aws, off, or a mapping of its limits
limits.yaml:4:12: retries: "many" is not a whole number
limits.yaml:5:3: unknown limit "rule" of events; allowed: puts_per_second, invocations_per_second, batch_entries, entry_bytes, rules, targets_per_rule, pattern_bytes, retries, event_age
limits.yaml:6:14: event_age: "5" is not a duration: write it with a unit, such as 250ms, 2s or 5m
limits.yaml:7:10: rules: 0 is no limit: want more than zero; off lifts it
limits.yaml:8:22: put_per_prefix: -1 is no limit: want more than zero; off lifts it
limits.yaml:8:42: get_per_prefix: ".nan" is not a number
limits.yaml:8:48: duplicate key "get_per_prefix"
limits.yaml:10:14: in_flight: want a single value
limits.yaml:11:19: purge_interval: 0s is no limit: want more than zero; off lifts it
limits.yaml:12:9: states: want aws, off, or a mapping of its limits
`))
	for text, want := range map[string]string{
		"lambda: [":                    "limits.yaml:1:",
		"- a":                          "limits.yaml:1:1: limits: want a mapping of services",
		"sqs: off\n---\nsqs: off\n":    "limits.yaml:3:4: second document",
		"lambda: {concurrency: &a 7 }": "want a single value",
	} {
		_, err := readText(t, text)
		require.ErrorContains(t, err, want, text)
	}
	_, err = readText(t, "lambda: {init_timeout: off}\ndynamodb: {latency: 3ms}\napigateway: {usage_plans: 3}\n")
	require.EqualError(t, err, "limits.yaml:1:24: init_timeout: lambda does not work without this limit\nlimits.yaml:2:21: latency: want a mapping\nlimits.yaml:3:27: usage_plans: \"3\" is neither on nor off")
	l, err := readText(t, "# nothing\n")
	require.NoError(t, err)
	require.Equal(t, cloud.AWSLimits(), l)
}

func TestOneLimitCanBeOffAndSomeAreGrouped(t *testing.T) {
	l, err := readText(t, "dynamodb:\n  split_after: off\n  latency: {seed: 4, read: {median: 2ms}, write.p99: 9ms}\n")
	require.NoError(t, err)
	require.Zero(t, l.DynamoDB.SplitAfter)
	require.EqualValues(t, 4, l.DynamoDB.Latency.Seed)
	require.Equal(t, 2*time.Millisecond, l.DynamoDB.Latency.Read.Median)
	require.Equal(t, 9*time.Millisecond, l.DynamoDB.Latency.Write.P99)
	require.Equal(t, []cloud.LimitChange{
		{Service: "dynamodb", Name: "split_after", AWS: "5m0s", Value: "off"},
		{Service: "dynamodb", Name: "latency.seed", AWS: "off", Value: "4"},
		{Service: "dynamodb", Name: "latency.read.median", AWS: "off", Value: "2ms"},
		{Service: "dynamodb", Name: "latency.write.p99", AWS: "off", Value: "9ms"},
	}, l.Changes())
	again, err := readText(t, l.Text())
	require.NoError(t, err)
	require.Equal(t, l, again)
}

// What limits print reads back as the same limits.
func TestLimitsReadBackAsPrinted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := cloud.AWSLimits()
		for _, service := range cloud.LimitServices() {
			if rapid.IntRange(0, 9).Draw(rt, "off") == 0 {
				require.NoError(rt, l.Off(service))
				continue
			}
			for _, name := range cloud.LimitNames(service) {
				n := rapid.IntRange(1, 1<<40).Draw(rt, name)
				for _, value := range []string{strconv.Itoa(n), strconv.Itoa(n) + "ns", []string{"on", "off"}[n%2]} {
					_ = l.Set(service, name, value) // one of them fits
				}
			}
		}
		again, err := readText(t, l.Text())
		require.NoError(rt, err)
		require.Equal(rt, l, again)
	})
}
