package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

// Client speaks to the agent of a run folder. Safe for concurrent use. Its errors wrap
// fault.ErrUsed, fault.ErrUnknown, fault.ErrNotLive and ErrStopping as the agent's do.
type Client struct {
	http *http.Client
}

// NewClient makes a client; nothing is sent. Close it.
func NewClient(dir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", Socket(dir))
	}
	return &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 4}}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ready waits until the agent answers: until then nothing of an earlier life may be relied on to
// be known. It fails with the last error when ctx ends.
func (c *Client) Ready(ctx context.Context) error {
	for {
		_, err := c.Leases(ctx)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(5 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for the agent: %w", err)
		case <-timer.C:
		}
	}
}

// Apply puts a fault in force under a lease that has its name as id and lasts for its For. It
// returns once the fault is in force; after an error nothing of it is, unless the error says so.
func (c *Client) Apply(ctx context.Context, f fault.Fault) (Lease, error) {
	return one(c.call(ctx, http.MethodPost, "/leases", &request{Fault: f.String()}))
}

// Renew makes a live lease last for more from now on, if that is longer than it would last.
func (c *Client) Renew(ctx context.Context, id string, more time.Duration) (Lease, error) {
	return one(c.call(ctx, http.MethodPost, "/leases/"+url.PathEscape(id), &request{More: more}))
}

// Heal ends a lease and waits until the fault is reverted. Healing again, or what never was, is
// no error; the id cannot be used any more.
func (c *Client) Heal(ctx context.Context, id string) (Lease, error) {
	return one(c.call(ctx, http.MethodDelete, "/leases/"+url.PathEscape(id), nil))
}

// HealAll heals every lease and waits until all are reverted.
func (c *Client) HealAll(ctx context.Context) ([]Lease, error) {
	return c.call(ctx, http.MethodDelete, "/leases", nil)
}

// Leases lists all leases by id, those that are gone included, with their hits so far.
func (c *Client) Leases(ctx context.Context) ([]Lease, error) {
	return c.call(ctx, http.MethodGet, "/leases", nil)
}

func one(leases []Lease, err error) (Lease, error) {
	if len(leases) == 0 {
		return Lease{}, err
	}
	return leases[0], err
}

func (c *Client) call(ctx context.Context, method, path string, body *request) ([]Lease, error) {
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return nil, fmt.Errorf("ask the agent: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, &text)
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the agent: %w", err)
	}
	defer res.Body.Close()
	var out reply
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("ask the agent: status %d: %w", res.StatusCode, err)
	}
	if out.Error == "" {
		return out.Leases, nil
	}
	for _, known := range codes {
		if known.code == out.Code {
			return out.Leases, &Error{Message: out.Error, Cause: known.err}
		}
	}
	return out.Leases, &Error{Message: out.Error}
}

// Error is what the agent answered to a call that failed.
type Error struct {
	Message string
	Cause   error // one of the sentinels, or nil
}

func (e *Error) Error() string { return "agent: " + e.Message }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }
