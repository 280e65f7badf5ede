package releasefunction

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

// proxy passes the Runtime API on to Lambda, with a defect.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type proxy struct {
	upstream string // host and port
	defect   fault.Defect
	client   *http.Client

	mu struct {
		sync.Mutex
		gateway map[string]bool // by request id, of invocations under way: does API Gateway wait for the answer?
	}
}

func newProxy(upstream string, defect fault.Defect) *proxy {
	p := &proxy{upstream: upstream, defect: defect, client: &http.Client{Transport: &http.Transport{}}}
	p.mu.gateway = map[string]bool{}
	return p
}

func (p *proxy) close() { p.client.CloseIdleConnections() }

const (
	invocationPath = "/2018-06-01/runtime/invocation/"
	requestID      = "Lambda-Runtime-Aws-Request-Id"

	trailerErrorType = "Lambda-Runtime-Function-Error-Type" // the function failed in the middle of its answer
)

// ServeHTTP passes one request on.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function is gone
	}
	path := r.URL.Path
	id, verb, _ := strings.Cut(strings.TrimPrefix(path, invocationPath), "/")
	header := r.Header
	if r.Method == http.MethodPost {
		if verb == "response" && r.Trailer.Get(trailerErrorType) == "" && fails(p.defect, id) {
			path, body, header = p.failure(id, r.Header)
		}
		p.forget(id)
	}
	res, err := p.forward(r, path, header, body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if r.Method == http.MethodGet && path == invocationPath+"next" && res.StatusCode == http.StatusOK {
		p.remember(res.Header.Get(requestID), answer)
		// The delay is before the function runs, as the extension of AWS FIS does it; the caller
		// sees no difference.
		if p.defect.Kind == fault.Slow && !sleep(r.Context(), p.defect.Delay) {
			return
		}
	}
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer)
}

// forward sends a request to Lambda, trailers included.
func (p *proxy) forward(r *http.Request, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+p.upstream+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	req.Header.Del("Content-Length")
	if r.Trailer.Get(trailerErrorType) != "" {
		req.Trailer = r.Trailer
		req.ContentLength = -1
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return p.client.Do(req)
}

// fails decides by the request id, so that the share is even over all environments without any
// of them knowing of the others.
func fails(d fault.Defect, id string) bool {
	if d.Kind != fault.Failing {
		return false
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	// FNV leaves the high bits of short inputs alike; a multiplication spreads them.
	return float64(mix(h.Sum64()))/math.MaxUint64 < d.Share
}

// mix is the finalizer of SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// failure is a bad answer: status 500 for API Gateway, an invocation error for everyone else.
func (p *proxy) failure(id string, header http.Header) (path string, body []byte, _ http.Header) {
	p.mu.Lock()
	gateway := p.mu.gateway[id]
	p.mu.Unlock()
	header = header.Clone()
	header.Set("Content-Type", "application/json")
	if gateway {
		return invocationPath + id + "/response",
			[]byte(`{"statusCode":500,"headers":{"Content-Type":"application/json"},"body":"{\"message\":\"defect of a bad release\"}"}`), header
	}
	return invocationPath + id + "/error", []byte(`{"errorType":"BadRelease","errorMessage":"defect of a bad release"}`), header
}

// remember notes whether an event comes from API Gateway (its proxy event names the method).
func (p *proxy) remember(id string, event []byte) {
	if p.defect.Kind != fault.Failing {
		return
	}
	var e struct {
		Method  string          `json:"httpMethod"`
		Context json.RawMessage `json:"requestContext"`
	}
	gateway := json.Unmarshal(event, &e) == nil && (e.Method != "" || len(e.Context) > 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.gateway[id] = gateway
}

func (p *proxy) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mu.gateway, id)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
