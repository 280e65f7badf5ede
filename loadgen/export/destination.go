package export

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Exporter publishes metrics until it is closed.
type Exporter interface {
	// Close publishes the last figures, as long as ctx lasts, and waits for what was started. The
	// error says that the last figures did not get out.
	Close(ctx context.Context) error
}

// Destination is where metrics are published. Make one with [Parse].
type Destination struct {
	text string
	url  *url.URL // without the scheme's prefix
	form *form
}

// form is a kind of destination.
type form struct {
	scheme string // before ://, or before + and the scheme of HTTP
	says   string
	open   func(ctx context.Context, u *url.URL, m *Metrics) (Exporter, error)
}

// forms is the list of all of them.
func forms() []form {
	return []form{
		{"prometheus", "to be scraped at /metrics while the load runs", openScrape},
		{"remote-write+http", "Prometheus's remote write, every five seconds", openRemoteWrite},
		{"otlp+http", "OTLP metrics over HTTP, every five seconds", openOTLP},
	}
}

// Forms are pairs of how a destination is written and what it is, for help texts.
func Forms() [][2]string {
	var out [][2]string
	for _, f := range forms() {
		address := "HOST:PORT"
		if strings.Contains(f.scheme, "+") {
			address += "/PATH"
		}
		out = append(out, [2]string{f.scheme + "://" + address, f.says})
	}
	return out
}

// Parse reads a destination. https works wherever http does.
func Parse(text string) (Destination, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return Destination{}, fmt.Errorf("output %q: want a URL with a host", text)
	}
	for _, f := range forms() {
		if u.Scheme != f.scheme && !(strings.HasSuffix(f.scheme, "+http") && u.Scheme == f.scheme+"s") {
			continue
		}
		if _, http, ok := strings.Cut(u.Scheme, "+"); ok {
			u.Scheme = http
		}
		return Destination{text: text, url: u, form: &f}, nil
	}
	return Destination{}, fmt.Errorf("output %q: unknown scheme %q", text, u.Scheme)
}

// String is what was parsed.
func (d Destination) String() string { return d.text }

// Open begins to publish. The error says that the destination cannot be used at all.
func (d Destination) Open(ctx context.Context, m *Metrics) (Exporter, error) {
	e, err := d.form.open(ctx, d.url, m)
	if err != nil {
		return nil, fmt.Errorf("output %s: %w", d.text, err)
	}
	return e, nil
}
