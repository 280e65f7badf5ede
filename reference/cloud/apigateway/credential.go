package apigateway

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// KeySource has the public keys that bearer tokens are verified with.
type KeySource interface{ KeySet() jwk.Set }

// identity is whose credentials a request came with.
type identity struct {
	tenant string // "*": any; "" if none were needed
	key    *apiKey
}

// maxTokens bounds the verified tokens that are kept. Verifying one costs some 100 µs.
const maxTokens = 50_000

// tokens verifies bearer tokens, each once until it expires.
type tokens struct {
	source KeySource
	mu     struct {
		sync.RWMutex
		known map[string]token
	}
}

type token struct {
	tenant  string
	expires time.Time
}

// tenantOf is the tenant of a token that is good at now.
func (t *tokens) tenantOf(now time.Time, text string) (string, bool) {
	t.mu.RLock()
	known, ok := t.mu.known[text]
	t.mu.RUnlock()
	if !ok {
		if known, ok = t.verify(now, text); !ok {
			return "", false
		}
		t.keep(now, text, known)
	}
	return known.tenant, now.Before(known.expires)
}

func (t *tokens) verify(now time.Time, text string) (token, bool) {
	if t.source == nil {
		return token{}, false
	}
	parsed, err := jwt.Parse([]byte(text), jwt.WithKeySet(t.source.KeySet()), jwt.WithValidate(false))
	if err != nil {
		return token{}, false
	}
	expires, ok := parsed.Expiration()
	if !ok || !now.Before(expires) {
		return token{}, false
	}
	if from, ok := parsed.NotBefore(); ok && now.Before(from) {
		return token{}, false
	}
	var tenant string
	if err := parsed.Get("tenant", &tenant); err != nil || tenant == "" {
		return token{}, false
	}
	return token{tenant: tenant, expires: expires}, true
}

func (t *tokens) keep(now time.Time, text string, known token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.known) >= maxTokens {
		for old, entry := range t.mu.known {
			if !now.Before(entry.expires) {
				delete(t.mu.known, old)
			}
		}
	}
	if t.mu.known == nil || len(t.mu.known) >= maxTokens {
		t.mu.known = make(map[string]token)
	}
	t.mu.known[text] = known
}

// identify finds the caller; ok is false if the route wants credentials and there are no good ones.
func (s *Service) identify(now time.Time, route *route, r *http.Request, keys map[string]*apiKey) (identity, bool) {
	if route.apiKey {
		if values := r.Header["X-Api-Key"]; len(values) > 0 {
			key := keys[values[0]]
			if key == nil || !key.Enabled {
				return identity{}, false
			}
			return identity{tenant: key.Name, key: key}, true
		}
	}
	if route.bearer {
		if values := r.Header["Authorization"]; len(values) > 0 {
			scheme, text, _ := strings.Cut(values[0], " ")
			if !strings.EqualFold(scheme, "Bearer") {
				return identity{}, false
			}
			tenant, ok := s.tokens.tenantOf(now, text)
			return identity{tenant: tenant}, ok
		}
	}
	return identity{}, route.open
}
