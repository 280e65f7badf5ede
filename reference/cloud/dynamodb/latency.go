package dynamodb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// LatencyProfile makes answers take as long as AWS's do, at least: drawn from a distribution,
// the same for the same seed and order of requests. The zero value adds nothing.
//
// AWS documents single-digit milliseconds on average for operations on one item, measured inside
// the service, and has shown 2 ms and less for reads; [DocumentedLatency] is a profile within
// that.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
// https://aws.amazon.com/blogs/database/part-1-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/
type LatencyProfile struct {
	Seed  uint64        `yaml:"seed"`
	Read  quota.Latency `yaml:"read"`  // of GetItem, BatchGetItem, Query, Scan, and of ExecuteStatement and BatchExecuteStatement
	Write quota.Latency `yaml:"write"` // of PutItem, UpdateItem, DeleteItem, BatchWriteItem
	// Transaction is of TransactGetItems, TransactWriteItems and ExecuteTransaction, which take two rounds.
	// https://www.usenix.org/conference/atc23/presentation/idziorek
	Transaction quota.Latency `yaml:"transaction"`
}

// DocumentedLatency is a profile within what AWS documents.
func DocumentedLatency() LatencyProfile {
	return LatencyProfile{
		Read:        quota.Latency{Median: 2 * time.Millisecond, P99: 9 * time.Millisecond},
		Write:       quota.Latency{Median: 4 * time.Millisecond, P99: 9 * time.Millisecond},
		Transaction: quota.Latency{Median: 8 * time.Millisecond, P99: 18 * time.Millisecond},
	}
}

func (p LatencyProfile) off() bool {
	return p.Read.Median <= 0 && p.Write.Median <= 0 && p.Transaction.Median <= 0
}

// String is "off", or the medians.
func (p LatencyProfile) String() string {
	if p.off() {
		return "off"
	}
	return fmt.Sprintf("read %s, write %s, transaction %s, seed %d", p.Read.Median, p.Write.Median, p.Transaction.Median, p.Seed)
}

// of is the distribution of an operation; those on tables have none.
func (p LatencyProfile) of(action string) quota.Latency {
	switch {
	case strings.HasPrefix(action, "Transact") || action == "ExecuteTransaction":
		return p.Transaction
	case action == "GetItem" || action == "BatchGetItem" || action == "Query" || action == "Scan" || strings.HasSuffix(action, "ExecuteStatement"):
		return p.Read
	case strings.HasSuffix(action, "Item"):
		return p.Write
	}
	return quota.Latency{}
}

// latency delays answers by a profile.
type latency struct {
	profile LatencyProfile
	sleep   func(context.Context, time.Duration)
	mu      struct {
		sync.Mutex
		rng *rand.Rand
	}
}

// newLatency is nil for a profile that adds nothing. A nil sleep waits on the machine's clock.
func newLatency(p LatencyProfile, sleep func(context.Context, time.Duration)) *latency {
	if p.off() {
		return nil
	}
	l := &latency{profile: p, sleep: sleep}
	if l.sleep == nil {
		l.sleep = sleepUntilGone
	}
	l.mu.rng = rand.New(rand.NewPCG(p.Seed, 0x1a7e9c))
	return l
}

// sleepUntilGone waits, but not for a caller that is gone.
func sleepUntilGone(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// wait holds an answer back until it has taken as long as is drawn for it; what it has taken so
// far counts.
func (l *latency) wait(ctx context.Context, action string, taken time.Duration) {
	l.mu.Lock()
	d := l.profile.of(action).Draw(l.mu.rng)
	l.mu.Unlock()
	if d -= taken; d > 0 {
		l.sleep(ctx, d)
	}
}
