package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// scope is what a signing key belongs to.
type scope struct {
	accessKey, day, region, service string
}

// maxSigningKeys bounds the cache: a caller may sign for any region it likes.
const maxSigningKeys = 4096

// signingKeys remembers derived signing keys, which cost four HMACs each.
type signingKeys struct {
	mu struct {
		sync.RWMutex
		keys map[scope][]byte
	}
}

// get returns the signing key of s, derived from secret the first time.
func (c *signingKeys) get(s scope, secret string) []byte {
	c.mu.RLock()
	key, ok := c.mu.keys[s]
	c.mu.RUnlock()
	if ok {
		return key
	}
	key = deriveKey(s, secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.keys == nil || len(c.mu.keys) >= maxSigningKeys {
		c.mu.keys = make(map[scope][]byte)
	}
	c.mu.keys[s] = key
	return key
}

// deriveKey computes the signing key
// HMAC(HMAC(HMAC(HMAC("AWS4"+secret, day), region), service), "aws4_request").
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func deriveKey(s scope, secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{s.day, s.region, s.service, "aws4_request"} {
		key = sign(key, []byte(part))
	}
	return key
}

// sign is HMAC-SHA256 of message under key.
func sign(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}
