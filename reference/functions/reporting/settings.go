package reporting

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/retailflow/stampede/reference/store"
)

// errNoTenant is returned for a tenant without a META item.
var errNoTenant = errors.New("no such tenant")

// settingsAge is how long a tenant's zone stays in the container.
const (
	settingsAge = 5 * time.Minute
	maxTenants  = 10_000
)

// settings keeps tenants' zones and, for seconds, their dirty markers.
type settings struct {
	o  *Options
	mu struct {
		sync.Mutex
		zones   map[string]zoneEntry
		markers map[string]markers
	}
}

type zoneEntry struct {
	zone *time.Location
	read time.Time
}

// markers are the hours and days of a tenant that await their recomputation.
type markers struct {
	hours   []time.Time
	days    []store.Date
	checked time.Time
}

// zone is the tenant's time zone, UTC where none or an unknown one is set. The error wraps
// errNoTenant if there is no such tenant.
func (s *settings) zone(ctx context.Context, tenant string) (*time.Location, error) {
	now := s.o.Now()
	s.mu.Lock()
	entry, ok := s.mu.zones[tenant]
	s.mu.Unlock()
	if ok && now.Sub(entry.read) < settingsAge {
		return entry.zone, nil
	}
	out, err := s.o.DB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.o.Core, Key: store.TenantKey(tenant).Item()})
	if err != nil {
		return nil, fmt.Errorf("read settings of %s: %w", tenant, err)
	}
	if len(out.Item) == 0 {
		return nil, fmt.Errorf("settings of %s: %w", tenant, errNoTenant)
	}
	meta, err := store.ParseTenant(out.Item)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	zone, err := meta.Location()
	if err != nil {
		s.o.Log.Warn("unknown_time_zone", "tenant", tenant, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.zones == nil || len(s.mu.zones) >= maxTenants {
		s.mu.zones = make(map[string]zoneEntry)
	}
	s.mu.zones[strings.Clone(tenant)] = zoneEntry{zone: zone, read: now}
	return zone, nil
}

// dirty reads the tenant's markers, hours before days, as the plan wants it.
func (s *settings) dirty(ctx context.Context, tenant string) (markers, error) {
	now := s.o.Now()
	s.mu.Lock()
	m, ok := s.mu.markers[tenant]
	s.mu.Unlock()
	if ok && now.Sub(m.checked) < s.o.Fresh {
		return m, nil
	}
	m = markers{checked: now}
	pk := store.MarkerPK(store.MarkerShard(tenant))
	for _, bounds := range [...]func(string) (string, string){store.HourMarkers, store.DayMarkers} {
		from, to := bounds(tenant)
		items, err := queryRange(ctx, s.o.DB, s.o.Analytics, pk, from, to, true)
		if err != nil {
			return markers{}, err
		}
		for _, item := range items {
			marker, err := store.ParseMarker(item)
			if err != nil {
				return markers{}, err
			}
			if marker.Level == store.Hour {
				m.hours = append(m.hours, marker.Hour)
			} else {
				m.days = append(m.days, marker.Date)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.markers == nil || len(s.mu.markers) >= maxTenants {
		s.mu.markers = make(map[string]markers)
	}
	s.mu.markers[strings.Clone(tenant)] = m
	return m, nil
}
