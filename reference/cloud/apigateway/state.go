package apigateway

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// restAPI is an API with its imported document and the one that is deployed.
type restAPI struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Version     string       `json:"version,omitempty"`
	Created     time.Time    `json:"created"`
	Document    []byte       `json:"document"`
	Deployments []deployment `json:"deployments,omitempty"`
	Stage       string       `json:"stage,omitempty"`    // of the last deployment that named one
	Deployed    []byte       `json:"deployed,omitempty"` // the document that the stage serves
}

type deployment struct {
	ID          string    `json:"id"`
	Stage       string    `json:"stage,omitempty"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
}

// apiKey is an API key; Name is the tenant it belongs to, "*" for any.
type apiKey struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Value       string    `json:"value"`
	Description string    `json:"description,omitempty"`
	Enabled     bool      `json:"enabled"`
	Created     time.Time `json:"created"`
}

// state is everything durable. Entries are never changed in place: an update replaces them,
// since the data plane reads them without a lock.
type state struct {
	apis  map[string]*restAPI
	keys  map[string]*apiKey
	plans map[string]*usagePlan
	usage map[string]usage // by plan and key id, of keys without a meter
}

const (
	apiPrefix   = "apigateway/api/"
	keyPrefix   = "apigateway/key/"
	planPrefix  = "apigateway/plan/"
	usagePrefix = "apigateway/usage/"
)

func loadState(db *pebble.DB) (state, error) {
	s := state{apis: map[string]*restAPI{}, keys: map[string]*apiKey{}, plans: map[string]*usagePlan{}, usage: map[string]usage{}}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte("apigateway/"), UpperBound: []byte("apigateway0")})
	if err != nil {
		return s, fmt.Errorf("read state: %w", err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		key := string(it.Key())
		switch {
		case strings.HasPrefix(key, apiPrefix):
			err = loadInto(s.apis, key[len(apiPrefix):], it.Value())
		case strings.HasPrefix(key, keyPrefix):
			err = loadInto(s.keys, key[len(keyPrefix):], it.Value())
		case strings.HasPrefix(key, planPrefix):
			err = loadInto(s.plans, key[len(planPrefix):], it.Value())
		case strings.HasPrefix(key, usagePrefix):
			var used usage
			err = json.Unmarshal(it.Value(), &used)
			s.usage[key[len(usagePrefix):]] = used
		}
		if err != nil {
			return s, fmt.Errorf("read %s: %w", key, err)
		}
	}
	if err := it.Error(); err != nil {
		return s, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

func loadInto[T any](all map[string]*T, id string, raw []byte) error {
	one := new(T)
	if err := json.Unmarshal(raw, one); err != nil {
		return err
	}
	all[id] = one
	return nil
}

// change is what one call of the control plane writes.
type change struct{ batch *pebble.Batch }

func (s *Service) change() *change { return &change{s.db.NewBatch()} }

func (c *change) set(key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return c.batch.Set([]byte(key), raw, nil)
}

// commit makes the change durable.
func (c *change) commit() error { return c.batch.Commit(pebble.Sync) }

// newID is 10 letters and digits, as API Gateway's own.
func newID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz012345" // 32 of them
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b[:])
}

// serving is what the data plane works by; it does not change, a new one replaces it.
type serving struct {
	apis   map[string]*deployedAPI // by id
	first  *deployedAPI            // the oldest, for requests that name none; nil if nothing is deployed
	keys   map[string]*apiKey      // by value
	meters map[string]*meter       // by key id, of keys in a usage plan
}

type deployedAPI struct {
	id, stage string
	source    *restAPI
	router    *router
}

// publish compiles the state for the data plane. Meters of keys whose plan did not change keep
// their level. The caller holds admin, or is Open.
func (s *Service) publish() error {
	before := s.serving.Load()
	next := &serving{apis: map[string]*deployedAPI{}, keys: make(map[string]*apiKey, len(s.admin.state.keys))}
	ordered := make([]*restAPI, 0, len(s.admin.state.apis))
	for _, api := range s.admin.state.apis {
		if api.Deployed != nil {
			ordered = append(ordered, api)
		}
	}
	slices.SortFunc(ordered, func(a, b *restAPI) int { return a.Created.Compare(b.Created) })
	for i, api := range ordered {
		if before != nil && before.apis[api.ID] != nil && before.apis[api.ID].source == api {
			next.apis[api.ID] = before.apis[api.ID]
		} else {
			r, _, err := compile(api.Deployed)
			if err != nil {
				return fmt.Errorf("api %s: %w", api.ID, err)
			}
			for _, route := range r.routes {
				counters, _ := s.operations.LoadOrStore(route.operation, route.counters)
				route.counters = counters.(*operationCounters)
			}
			next.apis[api.ID] = &deployedAPI{id: api.ID, stage: api.Stage, source: api, router: r}
		}
		if i == 0 {
			next.first = next.apis[api.ID]
		}
	}
	for _, key := range s.admin.state.keys {
		next.keys[key.Value] = key
	}
	next.meters = s.metersOf(s.admin.state.plans, before)
	s.serving.Store(next)
	return nil
}
