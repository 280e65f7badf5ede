package processing

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store"
)

// tenantHour is what a shard count belongs to.
type tenantHour struct {
	tenant string
	hour   time.Time
}

// shardCounts knows into how many partitions the blocks of a tenant's hour are spread. A count
// is written once, by whoever needs it first, and never changes: a redelivered object must find
// the same one. So a count is only believed after a consistent read, and then for good.
type shardCounts struct {
	db     *database
	table  string
	decide func(tenant string, hour time.Time) int

	mu struct {
		sync.Mutex
		known map[tenantHour]int
	}
}

// maxKnownShards bounds the container's memory: a day of 2,400 tenants.
const maxKnownShards = 24 * 2400

// of returns the counts of all of need, writing those that nobody has written yet.
func (s *shardCounts) of(ctx context.Context, need []tenantHour) (map[tenantHour]int, error) {
	found := make(map[tenantHour]int, len(need))
	missing := s.recall(need, found)
	for round := 1; len(missing) > 0; round++ {
		absent, err := s.read(ctx, missing, found)
		if err != nil {
			return nil, err
		}
		if len(absent) == 0 {
			break
		}
		if round == 3 {
			return nil, fmt.Errorf("shard counts: %d neither there nor to be written", len(absent))
		}
		entries := make([]*entry, len(absent))
		for i, th := range absent {
			it := store.ShardsItem(th.tenant, th.hour, max(s.decide(th.tenant, th.hour), 1))
			entries[i] = &entry{actions: []types.TransactWriteItem{putAbsent(s.table, it)}}
		}
		if err := s.db.settle(ctx, entries); err != nil {
			return nil, fmt.Errorf("write shard counts: %w", err)
		}
		missing = absent // whoever wrote first, the table says what holds
	}
	return found, nil
}

// recall fills found from memory and returns what it did not know, each once.
func (s *shardCounts) recall(need []tenantHour, found map[tenantHour]int) (missing []tenantHour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := make(map[tenantHour]bool, len(need))
	for _, th := range need {
		if n, ok := s.mu.known[th]; ok {
			found[th] = n
		} else if !asked[th] {
			asked[th] = true
			missing = append(missing, th)
		}
	}
	return missing
}

func (s *shardCounts) read(ctx context.Context, missing []tenantHour, found map[tenantHour]int) (absent []tenantHour, err error) {
	keys := make([]store.Key, len(missing))
	for i, th := range missing {
		keys[i] = store.ShardsKey(th.tenant, th.hour)
	}
	items, err := s.db.get(ctx, s.table, keys)
	if err != nil {
		return nil, fmt.Errorf("shard counts: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.known == nil || len(s.mu.known)+len(missing) > maxKnownShards {
		s.mu.known = map[tenantHour]int{}
	}
	for i, th := range missing {
		it, ok := items[keys[i]]
		if !ok {
			absent = append(absent, th)
			continue
		}
		n, err := store.ParseShards(it)
		if err != nil {
			return nil, err
		}
		found[th], s.mu.known[th] = n, n
	}
	return absent, nil
}
