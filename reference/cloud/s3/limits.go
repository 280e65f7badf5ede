package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Limits of S3, requests a second. Zero means no limit.
type Limits struct {
	// PutPerPrefix and GetPerPrefix are for one partitioned prefix, taken here as a bucket with
	// the first part of the key. S3 splits prefixes under lasting load; that is not modelled.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
	PutPerPrefix float64 `yaml:"put_per_prefix"`
	GetPerPrefix float64 `yaml:"get_per_prefix"`
}

const limitSource = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"

// maxPrefixes bounds the buckets kept for each direction.
const maxPrefixes = 4096

// AWSLimits are Amazon's documented ones.
func AWSLimits() Limits { return Limits{PutPerPrefix: 3500, GetPerPrefix: 5500} }

// NoLimits gives raw speed.
func NoLimits() Limits { return Limits{} }

// throttle answers SlowDown above the request rate of a prefix.
type throttle struct {
	limits Limits
	mu     struct {
		sync.Mutex
		writes, reads map[string]*quota.TokenBucket
		hits          quota.HitSet
	}
}

func newThrottle(limits Limits) *throttle {
	t := &throttle{limits: limits}
	t.mu.writes, t.mu.reads = map[string]*quota.TokenBucket{}, map[string]*quota.TokenBucket{}
	return t
}

// refuse says whether a request to an object exceeds its prefix's rate. Calls on buckets pass.
func (t *throttle) refuse(now time.Time, method, path string) bool {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || key == "" {
		return false
	}
	prefix := bucket + "/"
	if first, _, deeper := strings.Cut(key, "/"); deeper {
		prefix += first
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	rate, buckets, name := t.limits.PutPerPrefix, t.mu.writes, "writes per prefix"
	if method == http.MethodGet || method == http.MethodHead {
		rate, buckets, name = t.limits.GetPerPrefix, t.mu.reads, "reads per prefix"
	}
	if rate == 0 {
		return false
	}
	b := buckets[prefix]
	if b == nil {
		if len(buckets) >= maxPrefixes {
			clear(buckets) // forgets at most a second of history
		}
		made := quota.NewTokenBucket(rate, rate)
		b = &made
		buckets[prefix] = b
	}
	if b.Allow(now, 1) {
		return false
	}
	t.mu.hits.Note(now, "s3", name, prefix, strconv.FormatFloat(rate, 'f', -1, 64)+" requests/s", limitSource)
	return true
}

func (t *throttle) hits() []quota.Hit {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.hits.List()
}

// writeError answers as S3 does:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func writeError(w http.ResponseWriter, status int, code, message, resource string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName                 xml.Name `xml:"Error"`
		Code, Message, Resource string
	}{Code: code, Message: message, Resource: resource})
}
