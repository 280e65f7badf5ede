package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unsafe"

	"github.com/bytedance/sonic"
)

// Headers are the request headers that a function of ours looks at; names are matched in any case.
type Headers struct {
	ContentType     string `json:"Content-Type"`
	ContentEncoding string `json:"Content-Encoding"`
	Correlation     string `json:"X-Correlation-Id"`

	ShopifySignature   string `json:"X-Shopify-Hmac-Sha256"`
	ShopifyTopic       string `json:"X-Shopify-Topic"`
	ShopifyShop        string `json:"X-Shopify-Shop-Domain"`
	ShopifyEvent       string `json:"X-Shopify-Event-Id"`
	ShopifyTriggeredAt string `json:"X-Shopify-Triggered-At"`
}

// Request is the part of a proxy request that the functions use. Its strings point into the
// payload it was parsed from.
type Request struct {
	Resource string            `json:"resource"` // the path template, such as "/v1/tenants/{tenant}/events"
	Method   string            `json:"httpMethod"`
	Path     string            `json:"path"`
	Headers  Headers           `json:"headers"`
	Query    map[string]string `json:"queryStringParameters"`
	Params   map[string]string `json:"pathParameters"`
	Body     string            `json:"body"`
	Base64   bool              `json:"isBase64Encoded"`
	Context  struct {
		RequestID  string `json:"requestId"`
		Authorizer struct {
			Tenant string `json:"tenant"` // whose the credentials are; "*" may act for any
		} `json:"authorizer"`
	} `json:"requestContext"`
}

// Errors that [Request.Payload] wraps; each has a status of its own.
var (
	ErrTooLarge = errors.New("body too large")
	ErrEncoding = errors.New("unsupported content encoding")
	ErrMangled  = errors.New("body cannot be decoded")
)

var decoding = sonic.Config{}.Froze()

// Parse reads a proxy request. The payload must not change while the request is in use.
func Parse(payload []byte) (*Request, error) {
	request := new(Request)
	if err := decoding.UnmarshalFromString(unsafe.String(unsafe.SliceData(payload), len(payload)), request); err != nil {
		return nil, fmt.Errorf("read proxy request of %d bytes: %w", len(payload), err)
	}
	return request, nil
}

// Tenant is the {tenant} of the path, "" if the path has none.
func (r *Request) Tenant() string { return r.Params["tenant"] }

// Foreign says whether the caller's credentials belong to another tenant than the path names.
// The gateway refuses such requests already; a second look costs nothing.
func (r *Request) Foreign() bool {
	owner := r.Context.Authorizer.Tenant
	return owner != "" && owner != "*" && owner != r.Tenant()
}

// Correlation is the caller's X-Correlation-Id if it is 1 to 64 letters, digits, '.', '_', ':'
// or '-'; else the gateway's request id.
func (r *Request) Correlation() string {
	id := r.Headers.Correlation
	if len(id) == 0 || len(id) > 64 {
		return r.Context.RequestID
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("._:-", c) < 0 {
			return r.Context.RequestID
		}
	}
	return id
}

var inflaters sync.Pool // of *gzip.Reader

// Payload is the body as the client meant it: base64 and gzip undone, at most limit bytes of it.
// An encoding other than identity and gzip wraps [ErrEncoding], a longer body [ErrTooLarge],
// and one that is not what it says [ErrMangled].
func (r *Request) Payload(limit int) (string, error) {
	body := r.Body
	if r.Base64 {
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", fmt.Errorf("base64: %w: %w", ErrMangled, err)
		}
		body = unsafe.String(unsafe.SliceData(raw), len(raw))
	}
	switch strings.ToLower(r.Headers.ContentEncoding) {
	case "", "identity":
		if len(body) > limit {
			return "", fmt.Errorf("%d bytes, at most %d: %w", len(body), limit, ErrTooLarge)
		}
		return body, nil
	case "gzip":
		return inflate(body, limit)
	}
	return "", fmt.Errorf("%q, want gzip or none: %w", r.Headers.ContentEncoding, ErrEncoding)
}

func inflate(body string, limit int) (string, error) {
	source := strings.NewReader(body)
	reader, pooled := inflaters.Get().(*gzip.Reader)
	var err error
	if pooled {
		err = reader.Reset(source)
	} else {
		reader, err = gzip.NewReader(source)
	}
	if err != nil {
		return "", fmt.Errorf("gzip: %w: %w", ErrMangled, err)
	}
	defer inflaters.Put(reader)
	var out bytes.Buffer
	// A bomb states a small size: grow by what was really read, and stop one byte after the limit.
	out.Grow(min(8*len(body), limit) + 1)
	n, err := out.ReadFrom(io.LimitReader(reader, int64(limit)+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("gzip: %w: %w", ErrMangled, err)
	case n > int64(limit):
		return "", fmt.Errorf("gzip: more than %d bytes: %w", limit, ErrTooLarge)
	}
	raw := out.Bytes()
	return unsafe.String(unsafe.SliceData(raw), len(raw)), nil
}

// ValidTenant says whether a tenant's name is 1 to 64 letters, digits, '-' or '_': it becomes a
// part of keys, whose separator is '#'.
func ValidTenant(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
