package dynamodb

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/quota"
)

func TestAnswersTakeWhatTheProfileSays(t *testing.T) {
	run := func(seed uint64) (slept []time.Duration) {
		l := NoLimits()
		l.Latency = DocumentedLatency()
		l.Latency.Seed = seed
		r := open(t, Options{Limits: &l, Now: newClock().now, Sleep: func(_ context.Context, d time.Duration) { slept = append(slept, d) }})
		r.create("one", "pk", "", "pk:S")
		require.Empty(t, slept, "operations on tables have no latency")
		for i := range 400 {
			r.put("one", av{"pk": S(fmt.Sprint(i))})
		}
		_, err := r.ListTables(ctx, &ddb.ListTablesInput{})
		require.NoError(t, err)
		return slept
	}
	first := run(1)
	require.Len(t, first, 400)
	require.Equal(t, first, run(1))
	require.NotEqual(t, first, run(2))
	slices.Sort(first)
	require.InDelta(t, 4, first[200].Seconds()*1e3, 0.4, "the median of a write")
}

func TestWhatAnAnswerHasTakenCounts(t *testing.T) {
	var slept time.Duration
	l := newLatency(LatencyProfile{Read: quota.Latency{Median: 5 * time.Millisecond}}, func(_ context.Context, d time.Duration) { slept += d })
	l.wait(ctx, "GetItem", 2*time.Millisecond)
	require.Equal(t, 3*time.Millisecond, slept)
	l.wait(ctx, "Query", 7*time.Millisecond)
	l.wait(ctx, "PutItem", 0)
	require.Equal(t, 3*time.Millisecond, slept)
}

func TestNobodyIsHeldForACallerThatIsGone(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	newLatency(LatencyProfile{Read: quota.Latency{Median: time.Hour}}, nil).wait(gone, "GetItem", 0)
}

func TestWithoutAProfileNothingWaits(t *testing.T) {
	require.Nil(t, newLatency(AWSLimits().Latency, nil))
	require.Equal(t, "off", NoLimits().Latency.String())
}
