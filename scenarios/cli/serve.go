package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/deploy/stack"
)

// serveTenants is how many tenants a platform to try by hand has.
const serveTenants = 24

func newServe(t *terminal) *cobra.Command {
	var dataDir, listen string
	var level slog.Level
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole platform on this machine, to try by hand",
		Long: `Serve runs the reference platform: all embedded AWS services in one process, and a process for
each function that runs. It prints the base URL, a tenant's credentials and a first request to
try. Ctrl-C stops everything; the state stays in --data-dir.

With --log-level debug the functions write a line for every request, and for every object and
minute the correlation ids of all requests in it: searching serve.log for the X-Correlation-Id of
an answer shows what became of that request, from acceptance to its roll-up.`,
		Example: `  stampede serve
  stampede serve --listen 127.0.0.1:8080 --data-dir /var/tmp/retailflow
  stampede serve --log-level debug`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			binary, err := functionBinary()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(dataDir)
			if err != nil {
				return fmt.Errorf("find data directory: %w", err)
			}
			if err := checkListen(listen); err != nil {
				return usage(err, "port 0 picks a free one")
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("make data directory: %w", err)
			}
			logName := filepath.Join(dir, "serve.log")
			log, err := os.OpenFile(logName, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
			if err != nil {
				return fmt.Errorf("open log: %w", err)
			}
			defer log.Close()
			c, err := openCloud(cloud.Options{Listen: listen, DataDir: dir, FunctionLog: log, Log: slog.New(slog.NewJSONHandler(log, nil))})
			if err != nil {
				return err
			}
			if err := serve(cmd.Context(), t, c, binary, logName, level); err != nil {
				return errors.Join(err, c.Close())
			}
			<-cmd.Context().Done()
			fmt.Fprintln(t.stderr, "stopping")
			return c.Close()
		},
	}
	cmd.Flags().StringVar(&dataDir, "data-dir", ".stampede/serve", "folder of the platform's state")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "address to listen on; port 0 picks a free one")
	cmd.Flags().TextVar(&level, "log-level", slog.LevelInfo, "what functions write to serve.log: debug, info, warn or error")
	return cmd
}

// serve deploys the stack and says how to use it.
func serve(ctx context.Context, t *terminal, c *cloud.Cloud, binary, logName string, level slog.Level) error {
	tenants, err := tenant.New(tenant.Options{Seed: 1, Count: serveTenants})
	if err != nil {
		return err
	}
	config := stack.Config{
		Endpoints:      stack.Endpoints{Data: c.URL(), Edge: c.URL(), AccessKey: "local", Secret: "local"},
		FunctionBinary: binary, FunctionEnv: map[string]string{"LOG_LEVEL": level.String()}, BufferInterval: 2 * time.Second,
	}
	for _, r := range tenants {
		config.Tenants = append(config.Tenants, stack.Tenant{ID: r.ID, Name: r.Name, Platform: string(r.Platform), Plan: string(r.Tier),
			Zone: r.Zone, Currency: r.Currency, WebhookSecret: r.WebhookSecret, APIKey: r.APIKey})
	}
	if _, err := stack.Apply(ctx, config); err != nil {
		return fmt.Errorf("deploy the stack: %w", err)
	}
	who := tenants[0]
	token, err := c.Token(who.ID, 24*time.Hour)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(who.Zone)
	if err != nil {
		return fmt.Errorf("zone of %s: %w", who.ID, err)
	}
	now := time.Now()
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails
	fmt.Fprint(t.stdout, strings.NewReplacer(
		"{url}", c.URL(), "{tenant}", who.ID, "{name}", who.Name, "{zone}", who.Zone, "{key}", who.APIKey, "{token}", token,
		"{type}", api.BatchContentType, "{log}", logName, "{id}", api.NewID(now, random).String(),
		"{time}", now.UTC().Format(time.RFC3339), "{date}", now.In(zone).Format(time.DateOnly),
	).Replace(welcome))
	return nil
}

// welcome is what serve prints; its commands work as they stand in any shell.
const welcome = `The platform answers at {url}; what its processes say is in
{log}.

tenant   {tenant}  ({name}, {zone})
API key  {key}
token    {token}

Send an event:

  curl -s {url}/v1/tenants/{tenant}/events -H 'x-api-key: {key}' \
    -H 'content-type: {type}' \
    -d '[{"specversion":"1.0","id":"{id}","source":"/curl","type":"product.viewed","time":"{time}","data":{"sku":"first"}}]'

Some seconds later, read the day's summary that counts it:

  curl -s '{url}/v1/tenants/{tenant}/analytics/summary?date={date}' -H 'x-api-key: {key}'

Sent again, the same id is accepted again (202) and still counted once; change its last digits
for another event. An id is a UUIDv7, its time decides the event's minute, and up to 35 days
back are accepted. The token does as well as the key: -H "authorization: Bearer ...".

Ctrl-C stops it.
`
