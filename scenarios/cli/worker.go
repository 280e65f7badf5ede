package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/retailflow/stampede/loadgen/worker"
	"github.com/retailflow/stampede/scenarios/load"
)

// natsToken is the environment variable with the token of the NATS server inside `load`.
const natsToken = "STAMPEDE_NATS_TOKEN"

// newWorker is a process that sends its share of loads.
func newWorker(t *terminal) *cobra.Command {
	var o worker.ServeOptions
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Send a share of the loads that `stampede load --workers` controls",
		Long: `Worker waits for a load on a NATS server, sends its share of it and reports, and then waits for
the next, until Ctrl-C. It waits for a server that is not there yet, too. It must be of the same
version as the one that controls the load, and stops by itself when that one is gone.

Whoever may speak to that server may point workers at any address: give it a token or users.

Exit codes: 0 interrupted, or of --once done; 1 it was refused, or of --once the load failed; 2 bad
usage.`,
		Example: `  stampede worker --nats nats://TOKEN@10.0.0.5:4222    # as load --workers 4 --nats-listen :4222 says
  stampede worker --nats nats://me:secret@nats-1:4222,nats://me:secret@nats-2:4222 --worker-group eu`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.URL == "" {
				return usage(errors.New("--nats is missing: the URL of the server to wait at"), "`stampede load --workers N` prints the URL of its own")
			}
			collectSeldom()
			o.Version, o.Log = version, slog.New(slog.NewTextHandler(t.stderr, nil))
			return worker.Serve(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.URL, "nats", "", "URL of the NATS server, or of several of a cluster with commas between")
	flags.StringVar(&o.Group, "worker-group", "default", "of workers that a load draws from")
	flags.StringVar(&o.Name, "name", "", "in reports (default host:pid)")
	flags.BoolVar(&o.Once, "once", false, "end after one load")
	return cmd
}

// workerFlags are those of `load` about its workers.
type workerFlags struct {
	count  int
	nats   string
	listen string
	group  string
	onLoss string
	within time.Duration
}

func (f *workerFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.count, "workers", 0, "processes that send the load together, each started with \"stampede worker\" (default: this one sends it)")
	flags.StringVar(&f.nats, "nats", "", "URL of the NATS server that the workers wait at (default: one inside this process)")
	flags.StringVar(&f.listen, "nats-listen", "127.0.0.1:0", "where the one inside listens; its token is "+natsToken+", or drawn and printed")
	flags.StringVar(&f.group, "worker-group", "default", "of workers to draw from")
	flags.StringVar(&f.onLoss, "on-worker-loss", string(worker.Invalid), "invalid stops the load; continue goes on with the rest, and what the lost one owed counts as never sent")
	flags.DurationVar(&f.within, "workers-within", time.Minute, "time for the workers to join")
}

// workers reads the flags.
func (f *workerFlags) workers(t *terminal, given func(string) bool, quiet bool) (load.Workers, error) {
	var faults []error
	for _, flag := range []string{"nats", "nats-listen", "worker-group", "on-worker-loss", "workers-within"} {
		if given(flag) && !given("workers") {
			faults = append(faults, fmt.Errorf("--%s goes with --workers", flag))
		}
	}
	if given("workers") && f.count < 1 {
		faults = append(faults, fmt.Errorf("--workers %d: want at least 1", f.count))
	}
	if given("nats") && given("nats-listen") {
		faults = append(faults, errors.New("--nats and --nats-listen: give one of them"))
	}
	if policy := worker.OnLoss(f.onLoss); policy != worker.Invalid && policy != worker.Continue {
		faults = append(faults, fmt.Errorf("--on-worker-loss %q: must be %s or %s", f.onLoss, worker.Invalid, worker.Continue))
	}
	if _, _, err := net.SplitHostPort(f.listen); err != nil {
		faults = append(faults, fmt.Errorf("--nats-listen: %w", err))
	}
	w := load.Workers{Count: f.count, NATS: f.nats, Listen: f.listen, Group: f.group, OnLoss: worker.OnLoss(f.onLoss), Within: f.within, Say: t.stderr}
	if i := slices.IndexFunc(t.env, func(v string) bool { return strings.HasPrefix(v, natsToken+"=") }); i >= 0 {
		w.Token = t.env[i][len(natsToken)+1:]
	}
	if !quiet {
		w.Log = slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return w, errors.Join(faults...)
}
