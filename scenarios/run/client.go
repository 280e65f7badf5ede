package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// platform calls the public API as tenants do, outside the planned load: probes, replayed
// orders, hostile requests, and the reading of figures afterwards. Safe for concurrent use.
type platform struct {
	base  string // URL of the gateway
	http  *http.Client
	key   func(tenant string) string // API key
	token func(tenant string) string // bearer token
}

func newPlatform(base string, key, token func(tenant string) string) *platform {
	return &platform{base: base, key: key, token: token, http: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 32},
	}}
}

// answer is what came back for one request.
type answer struct {
	status int
	body   []byte
}

func (p *platform) do(req *http.Request) (answer, error) {
	res, err := p.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return answer{status: res.StatusCode}, err
	}
	return answer{status: res.StatusCode, body: body}, nil
}

// postEvents sends one batch with the tenant's API key.
func (p *platform) postEvents(ctx context.Context, tenant string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/v1/tenants/"+tenant+"/events", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", api.BatchContentType)
	req.Header.Set("x-api-key", p.key(tenant))
	return p.do(req)
}

// get reads a path of the tenant with its bearer token into a value.
func (p *platform) get(ctx context.Context, tenant, path string, query url.Values, into any) error {
	target := p.base + "/v1/tenants/" + tenant + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token(tenant))
	got, err := p.do(req)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %.200s", path, got.status, got.body)
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// summary reads a tenant's figures over [from, to), whole minutes.
func (p *platform) summary(ctx context.Context, tenant string, from, to time.Time) (api.Summary, error) {
	var s api.Summary
	err := p.get(ctx, tenant, "/analytics/summary", url.Values{
		"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}, &s)
	return s, err
}

// day reads a tenant's figures over one day of its own zone, given as YYYY-MM-DD.
func (p *platform) day(ctx context.Context, tenant, date string) (api.Summary, error) {
	var s api.Summary
	err := p.get(ctx, tenant, "/analytics/summary", url.Values{"date": {date}}, &s)
	return s, err
}
