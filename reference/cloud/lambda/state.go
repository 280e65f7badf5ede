package lambda

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Keys, all under the service's prefix. Names of functions hold no slash.
const (
	prefixFunction = "lambda/function/" // name
	prefixVersion  = "lambda/version/"  // name/version
	prefixAlias    = "lambda/alias/"    // name/alias
	prefixMapping  = "lambda/mapping/"  // uuid
	prefixEvent    = "lambda/event/"    // request id
)

// state is what the control plane knows. Readers get immutable values; writers hold change
// from the check of a RevisionId until the write is durable, and readers never wait for them.
type state struct {
	db     *pebble.DB
	change sync.Mutex // taken before mu
	mu     struct {
		sync.RWMutex
		functions map[string]*function
	}
}

// openState reads all functions back.
func openState(db *pebble.DB) (*state, error) {
	s := &state{db: db}
	s.mu.functions = map[string]*function{}
	err := s.each(prefixFunction, func(name string, value []byte) error {
		f := &function{versions: map[string]*Configuration{}, aliases: map[string]*Alias{}}
		s.mu.functions[name] = f
		return json.Unmarshal(value, &f.record)
	})
	if err != nil {
		return nil, err
	}
	err = s.each(prefixVersion, func(key string, value []byte) error {
		name, version, _ := strings.Cut(key, "/")
		c := new(Configuration)
		if f := s.mu.functions[name]; f != nil {
			f.versions[version] = c
		}
		return json.Unmarshal(value, c)
	})
	if err != nil {
		return nil, err
	}
	return s, s.each(prefixAlias, func(key string, value []byte) error {
		name, alias, _ := strings.Cut(key, "/")
		a := new(Alias)
		if f := s.mu.functions[name]; f != nil {
			f.aliases[alias] = a
		}
		return json.Unmarshal(value, a)
	})
}

// each calls do with every key below prefix, without the prefix. The value is do's only during
// the call.
func (s *state) each(prefix string, do func(key string, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte(prefix), UpperBound: []byte(prefix[:len(prefix)-1] + "0")}) // '0' follows '/'
	if err != nil {
		return fmt.Errorf("read %s: %w", prefix, err)
	}
	for it.First(); it.Valid(); it.Next() {
		if err := do(string(it.Key()[len(prefix):]), it.Value()); err != nil {
			_ = it.Close()
			return fmt.Errorf("read %s: %w", it.Key(), err)
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read %s: %w", prefix, err)
	}
	return nil
}

// function finds a function; nil if there is none.
func (s *state) function(name string) *function {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.functions[name]
}

// functions is a copy of the map of all functions.
func (s *state) functions() map[string]*function {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]*function, len(s.mu.functions))
	for name, f := range s.mu.functions {
		all[name] = f
	}
	return all
}

// put makes f durable in place of what name was before, then shows it to readers. A nil f
// deletes. The caller holds change.
func (s *state) put(name string, f *function) error {
	before := s.function(name)
	batch := s.db.NewBatch()
	defer batch.Close()
	if f == nil {
		_ = batch.Delete([]byte(prefixFunction+name), nil) // a batch in memory does not fail
	} else if err := set(batch, prefixFunction+name, f.record); err != nil {
		return err
	}
	var versions map[string]*Configuration
	var aliases map[string]*Alias
	if f != nil {
		versions, aliases = f.versions, f.aliases
	}
	var oldVersions map[string]*Configuration
	var oldAliases map[string]*Alias
	if before != nil {
		oldVersions, oldAliases = before.versions, before.aliases
	}
	if err := putChanged(batch, prefixVersion+name+"/", oldVersions, versions); err != nil {
		return err
	}
	if err := putChanged(batch, prefixAlias+name+"/", oldAliases, aliases); err != nil {
		return err
	}
	if err := s.db.Apply(batch, pebble.Sync); err != nil {
		return fmt.Errorf("store function %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil {
		delete(s.mu.functions, name)
	} else {
		s.mu.functions[name] = f
	}
	return nil
}

// putChanged writes the values that are not the very ones of before, and deletes the missing.
func putChanged[T any](batch *pebble.Batch, prefix string, before, after map[string]*T) error {
	for key, v := range after {
		if before[key] == v {
			continue
		}
		if err := set(batch, prefix+key, v); err != nil {
			return err
		}
	}
	for key := range before {
		if after[key] == nil {
			_ = batch.Delete([]byte(prefix+key), nil)
		}
	}
	return nil
}

func set(w pebble.Writer, key string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return w.Set([]byte(key), value, pebble.Sync) // on a batch the option has no meaning
}
