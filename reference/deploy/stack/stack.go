package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/deploy"
)

// Tenant is one retailer as the platform knows it.
type Tenant struct {
	ID            string
	Name          string
	Platform      string // shopify, woocommerce, magento, custom
	Plan          string // and the usage plan of its API key, where there is one of that name
	Zone          string // IANA
	Currency      string // ISO 4217
	WebhookSecret string // verifies its webhooks, in PEM if it is a public key; "" if it sends none
	APIKey        string
}

// Config is what a deployment of the stack may choose. Zero values take the defaults given.
type Config struct {
	Endpoints      Endpoints
	FunctionBinary string            // absolute path of stampede-fn
	FunctionEnv    map[string]string // added to every function's environment
	FunctionURL    string            // data endpoint as functions see it; "" is what their Lambda says

	BufferInterval time.Duration // Firehose: 60 s
	BufferBytes    int64         // Firehose: 5 MB
	Passes         deploy.Passes // of the roll-up

	Tenants []Tenant
	Plans   []UsagePlan // nil: UsagePlans
}

func (c *Config) ensureDefaults() {
	if c.BufferInterval == 0 {
		c.BufferInterval = 60 * time.Second
	}
	if c.Plans == nil {
		c.Plans = UsagePlans()
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = 5 << 20
	}
}

// Apply creates what does not exist yet, changes what differs from cfg, and returns once events
// can be accepted and are processed. It returns every setting of what it created, read from the
// requests themselves, or the first error, naming the resource.
func Apply(ctx context.Context, cfg Config) ([]Setting, error) {
	cfg.ensureDefaults()
	var asked record
	d := deployment{cfg: cfg, clients: newClients(cfg.Endpoints, asked.watch)}

	// Stores and functions first, in parallel; then what refers to them.
	stores, sctx := errgroup.WithContext(ctx)
	stores.Go(func() error { return d.tables(sctx) })
	stores.Go(func() error { return d.bucketAndStreams(sctx) })
	stores.Go(func() error { return d.queues(sctx) })
	stores.Go(func() error { return d.functions(sctx) })
	stores.Go(func() error { return d.restAPI(sctx) })
	if err := stores.Wait(); err != nil {
		return nil, err
	}
	wiring, wctx := errgroup.WithContext(ctx)
	wiring.Go(func() error { return d.seedTenants(wctx) })
	wiring.Go(func() error { return d.mappings(wctx) })
	wiring.Go(func() error { return d.rules(wctx) })
	wiring.Go(func() error { return d.rollUps(wctx) })
	if err := wiring.Wait(); err != nil {
		return nil, err
	}
	return asked.list(), nil
}

type deployment struct {
	cfg     Config
	clients Clients
}

// exists says whether an error is that of a resource which an earlier Apply created.
func exists(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// unlessExists drops the error of a resource that an earlier Apply created.
func unlessExists(err error, codes ...string) error {
	if exists(err, codes...) {
		return nil
	}
	return err
}

func named(operation, resource string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", operation, resource, err)
}
