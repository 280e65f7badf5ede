package processing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/store"
)

// zoneFor is how long a tenant's zone is believed.
const zoneFor = 10 * time.Minute

// zoneCache holds tenants' zones.
type zoneCache struct {
	mu struct {
		sync.Mutex
		zones map[string]*time.Location
		read  time.Time
	}
}

// zonesOf reads the zones of tenants. One without a META item, or with a zone that nobody
// knows, has its days in UTC.
func (n *Insights) zonesOf(ctx context.Context, tenants []string) (map[string]*time.Location, error) {
	now := n.o.Now()
	zones := make(map[string]*time.Location, len(tenants))
	var keys []store.Key
	n.zones.mu.Lock()
	if n.zones.mu.zones == nil || now.Sub(n.zones.mu.read) > zoneFor {
		n.zones.mu.zones, n.zones.mu.read = map[string]*time.Location{}, now
	}
	for _, t := range tenants {
		if _, asked := zones[t]; asked {
			continue
		}
		zone, known := n.zones.mu.zones[t]
		zones[t] = zone
		if !known {
			keys = append(keys, store.TenantKey(t))
		}
	}
	n.zones.mu.Unlock()
	items, err := n.db.get(ctx, n.o.Tables.Core, keys)
	if err != nil {
		return nil, fmt.Errorf("tenants: %w", err)
	}
	for _, it := range items {
		t, err := store.ParseTenant(it)
		if err == nil {
			zones[t.ID], err = t.Location()
		}
		if err != nil {
			n.o.Log.LogAttrs(ctx, slog.LevelWarn, "tenant without a zone", slog.Any("error", err))
		}
	}
	n.zones.mu.Lock()
	defer n.zones.mu.Unlock()
	for t, zone := range zones {
		if zone == nil {
			zones[t] = time.UTC // until there is an item
			continue
		}
		n.zones.mu.zones[t] = zone
	}
	return zones, nil
}
