package run

import (
	"context"
	"fmt"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reference/store"
)

// drained says what is still under way between acceptance and roll-ups; nil is at rest.
func (w *world) drained(ctx context.Context) []string {
	var busy []string
	note := func(n int64, what string) {
		if n > 0 {
			busy = append(busy, fmt.Sprintf("%d %s", n, what))
		}
	}
	data, err := w.stats(ctx, w.dataURL)
	if err != nil {
		return []string{"the data process does not answer"}
	}
	var buffered int64
	for _, s := range data.Firehose.Streams {
		buffered += s.BufferedRecords
	}
	note(buffered, "records in delivery buffers")
	note(int64(data.S3.EventsWaiting), "objects not announced")
	note(int64(data.EventBridge.Pending), "events not delivered")
	var messages int64
	for _, q := range data.SQS.Queues {
		if !deadLetter(q.Name) {
			messages += int64(q.Visible + q.InFlight + q.Delayed)
		}
	}
	note(messages, "messages in queues")
	edge, err := w.stats(ctx, w.edgeURL)
	if err != nil {
		return append(busy, "the edge process does not answer")
	}
	note(int64(edge.Lambda.Async.Pending), "asynchronous invocations")
	now := time.Now()
	// Hours and days that are over must be computed too; open ones are answered from minutes.
	waiting, err := markers(ctx, w.clients.DynamoDB, stack.AnalyticsTable, func(m store.Marker) bool {
		switch m.Level {
		case store.Hour:
			return m.Hour.Add(time.Hour + store.Settle).Before(now)
		case store.Day:
			// A day is over everywhere 14 hours after it is over in Greenwich.
			return time.Date(m.Date.Year, m.Date.Month, m.Date.Day, 24+14, 0, 0, 0, time.UTC).Add(store.Settle).Before(now)
		}
		return true
	})
	if err != nil {
		return append(busy, err.Error())
	}
	note(int64(waiting), "dirty markers")
	return busy
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
