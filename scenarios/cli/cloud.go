package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/lifeline"
	"github.com/retailflow/stampede/reports"
)

func newCloud(t *terminal) *cobra.Command {
	var (
		services, listen, dataDir, limits, peer string
		slow                                    time.Duration
		keys                                    []string
		expireEvery                             time.Duration
	)
	cmd := &cobra.Command{
		Use:   "cloud",
		Short: "Serve embedded AWS services on one address",
		Long: `Cloud serves any subset of the embedded AWS services to unmodified AWS clients, on one
address for all of them. Acknowledged data survive kill -9 and are found again in --data-dir.

Services: dynamodb, firehose, s3, events, sqs, states, lambda, apigateway; "data" is the first
six, "edge" the last two, "all" is the default. The base URL is printed once everything serves;
A file of --limits maps services to aws, off, or numbers: {sqs: off, dynamodb: {burst: 1m}}.
GET /_stampede/health and /_stampede/stats tell how it is. Ctrl-C stops it.`,
		Example: `  stampede cloud --services dynamodb --data-dir /var/tmp/ddb --listen 127.0.0.1:8000
  stampede cloud --limits off --access-key me:secret
  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 \
    aws --endpoint-url http://127.0.0.1:8000 dynamodb list-tables   # any AWS client will do`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := cloud.Options{Listen: listen, Peer: peer, Slow: slow, ExpireEvery: expireEvery, FunctionLog: t.stderr, Log: slog.New(slog.NewJSONHandler(t.stderr, nil))}
			var faults []error
			var err error
			if o.Services, err = cloud.ParseServices(services); err != nil {
				faults = append(faults, err)
			}
			if o.Credentials, err = parseKeys(keys); err != nil {
				faults = append(faults, err)
			}
			if o.Limits, err = cloud.ReadLimits(limits); err != nil {
				faults = append(faults, err)
			}
			if err := checkListen(listen); err != nil {
				faults = append(faults, err)
			}
			if slow <= 0 {
				faults = append(faults, fmt.Errorf("--slow %s: want a time above zero", slow))
			}
			if len(faults) > 0 {
				return usage(errors.Join(faults...), "see `stampede cloud --help`")
			}
			if o.DataDir, err = filepath.Abs(dataDir); err != nil {
				return fmt.Errorf("find data directory: %w", err)
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			// A parent that died leaves nobody to serve; what is acknowledged is on disk.
			if err := lifeline.Watch(cancel); err != nil {
				return err
			}
			collectSeldom()
			c, err := openCloud(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(t.stdout, "%s\n", c.URL())
			<-ctx.Done()
			return c.Close()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&services, "services", "all", "services to serve, separated by commas")
	flags.StringVar(&listen, "listen", "127.0.0.1:4566", "address to listen on; port 0 picks a free one")
	flags.StringVar(&dataDir, "data-dir", ".stampede/cloud", "folder of the services' state")
	flags.StringVar(&limits, "limits", "aws", "aws, off, or a YAML file that changes some of AWS's limits")
	flags.StringArrayVar(&keys, "access-key", nil, "ID:SECRET that may sign requests; may be repeated (default local:local)")
	flags.DurationVar(&slow, "slow", 142*time.Millisecond, "an answer of the API Gateway that took longer is counted as slow")
	flags.DurationVar(&expireEvery, "expire-every", 10*time.Second, "how often DynamoDB looks for items whose time to live is over")
	flags.StringVar(&peer, "peer", "", "base URL of a cloud that serves the other services")
	return cmd
}

// openCloud opens a cloud and says what to do about an address or a folder that another has.
func openCloud(o cloud.Options) (*cloud.Cloud, error) {
	c, err := cloud.Open(o)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &exitError{code: reports.ExitHarness, err: err, hint: "another process has that port; --listen 127.0.0.1:0 picks a free one"}
	case errors.Is(err, syscall.EAGAIN):
		// The state's lock file is held.
		return nil, &exitError{code: reports.ExitHarness, err: err, hint: "another process uses " + o.DataDir + "; --data-dir names another folder"}
	case errors.Is(err, syscall.ENOSPC):
		return nil, &exitError{code: reports.ExitHarness, err: err, hint: "the disk of " + o.DataDir + " is full; --data-dir names another folder"}
	}
	return c, err
}

// checkListen finds an address that no host could listen on.
func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("--listen %q: want HOST:PORT, such as 127.0.0.1:4566", address)
	}
	return nil
}

func parseKeys(keys []string) (wire.Credentials, error) {
	if len(keys) == 0 {
		return wire.Credentials{"local": "local"}, nil
	}
	out := wire.Credentials{}
	var faults []error
	for _, key := range keys {
		id, secret, ok := strings.Cut(key, ":")
		if !ok || id == "" || secret == "" {
			faults = append(faults, fmt.Errorf("access key %q: want ID:SECRET", key))
			continue
		}
		out[id] = secret
	}
	return out, errors.Join(faults...)
}
