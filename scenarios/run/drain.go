package run

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reference/store"
)

// drained says what is still under way between acceptance and roll-ups; nil is at rest.
//
// It looks in the direction of the flow, so that a place that was found empty after all before it
// stays empty: functions that accept, delivery, queues, markers, and last whoever works on
// markers. A scheduled roll-up always runs, and that is no work: a pass that begins after the
// last marker vanished finds nothing to do. What began earlier may still write, so it is the
// passes under way that are waited for, looked at after the markers, and not their executions.
func (w *world) drained(ctx context.Context) []string {
	var b underWay
	edge, err := w.stats(ctx, w.edgeURL)
	if err != nil {
		return []string{"the edge process does not answer"}
	}
	b.accepting(edge)
	data, err := w.stats(ctx, w.dataURL)
	if err != nil {
		return append(b, "the data process does not answer")
	}
	b.delivering(data)
	waiting, err := dueMarkers(ctx, w.clients.DynamoDB, time.Now())
	if err != nil {
		return append(b, err.Error())
	}
	b.note(waiting, "dirty markers")
	if len(b) > 0 {
		return b // what works on markers may find more of them
	}
	if data, err = w.stats(ctx, w.dataURL); err != nil {
		return []string{"the data process does not answer"}
	}
	if edge, err = w.stats(ctx, w.edgeURL); err != nil {
		return []string{"the edge process does not answer"}
	}
	b.executing(data)
	b.invoked(edge, func(function string) bool { return function != stack.QueryAnalytics })
	return b
}

// underWay lists work that is not done, in words.
type underWay []string

func (b *underWay) note(n int, what string) {
	if n > 0 {
		*b = append(*b, fmt.Sprintf("%d %s", n, what))
	}
}

// accepting notes what the edge still takes in: a client that gave up leaves its invocation behind.
func (b *underWay) accepting(edge cloud.Stats) {
	b.invoked(edge, func(function string) bool { return function == stack.IngestEvents || function == stack.IngestWebhooks })
	b.note(int(edge.Lambda.Async.Pending), "asynchronous invocations")
}

// invoked notes invocations that run now.
func (b *underWay) invoked(edge cloud.Stats, of func(function string) bool) {
	for _, f := range edge.Lambda.Functions {
		if of(f.Function) {
			b.note(f.Busy, "invocations of "+f.Function)
		}
	}
}

// delivering notes what lies between acceptance and the processing functions.
func (b *underWay) delivering(data cloud.Stats) {
	var buffered, messages int
	for _, s := range data.Firehose.Streams {
		buffered += int(s.BufferedRecords)
	}
	for _, q := range data.SQS.Queues {
		if !deadLetter(q.Name) {
			messages += q.Visible + q.InFlight + q.Delayed
		}
	}
	b.note(buffered, "records in delivery buffers")
	b.note(int(data.S3.EventsWaiting), "objects not announced")
	b.note(int(data.EventBridge.Pending), "events not delivered")
	b.note(messages, "messages in queues")
}

// executing notes what state machines do: of the scheduled roll-up its passes, of any other its
// executions, for what those have yet to do does not depend on markers.
func (b *underWay) executing(data cloud.Stats) {
	for _, m := range data.StepFunctions.Machines {
		if m.Name == stack.StateMachine {
			b.note(m.Tasks, "passes of "+m.Name)
		} else {
			b.note(m.Running, "executions of "+m.Name)
		}
	}
}

// dueMarkers counts the markers that passes have yet to work off at a moment. Hours and days that
// are over must be computed too; open ones are answered from minutes.
func dueMarkers(ctx context.Context, db *dynamodb.Client, now time.Time) (int, error) {
	return markers(ctx, db, stack.AnalyticsTable, func(m store.Marker) bool {
		switch m.Level {
		case store.Hour:
			return m.Hour.Add(time.Hour + store.Settle).Before(now)
		case store.Day:
			// A day is over everywhere 14 hours after it is over in Greenwich.
			return time.Date(m.Date.Year, m.Date.Month, m.Date.Day, 24+14, 0, 0, 0, time.UTC).Add(store.Settle).Before(now)
		}
		return true
	})
}

// drain waits until nothing is under way, twice in a row, or the deadline. It returns what is
// still under way then.
func (w *world) drain(ctx context.Context, deadline time.Duration, say func(format string, args ...any)) []string {
	end := time.Now().Add(deadline)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	atRest := 0
	var busy []string
	for {
		if busy = w.drained(ctx); len(busy) == 0 {
			// What has just left one place may not have reached the next one's count.
			if atRest++; atRest == 2 {
				return nil
			}
		} else {
			atRest = 0
		}
		if time.Now().After(end) {
			say("drain: %v after %s", busy, deadline)
			return busy
		}
		select {
		case <-ctx.Done():
			return append(busy, "interrupted")
		case <-tick.C:
		}
	}
}

func deadLetter(queue string) bool {
	for _, stream := range api.Streams {
		if queue == stack.DeadLetterQueue(stream) {
			return true
		}
	}
	return false
}
