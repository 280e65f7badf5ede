package cli

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports/loadtest"
	"github.com/retailflow/stampede/scenarios/load"
)

func newLoad(t *terminal) *cobra.Command {
	var (
		f          loadFlags
		name       string
		thresholds []string
		outputs    []string
		quiet      bool
		selfTest   bool
		toCheck    bool
		toCost     bool
		check      calibration
		team       workerFlags
	)
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Load one address, and tell the truth about it",
		Long: `Load sends HTTP requests at planned times and counts response times from those, so that a
stall is seen as users would have felt it. What could not be sent is counted, never forgotten,
and a run whose generator was the bottleneck is INVALID, not green.

Say how much with one of --rate, --phase, --trace and --users. A phase is one of
  ` + strings.ReplaceAll(arrival.Phrases, "\n", "\n  ") + `
in requests/s. A trace is a CSV file of counts for each interval, or of moments. --users wait for
their answers and then think, as most tools' do: for comparison.

Thresholds decide the verdict; over no data they fail:
  p50 p99 p99.9 min mean max of latency service lag wait dns connect tls first_byte
  count rate                 of requests errors dropped retries failures
  for all, or {endpoint=NAME}, {status=503}: p99(latency{endpoint=GET /}) < 50ms

--out takes files by extension, as often as wanted:
` + load.Outputs() + `

--workers N has N processes send it together: start each with ` + "`stampede worker`" + `. One that is lost
makes the load INVALID, or with --on-worker-loss continue its share counts as never sent.

Exit codes: 0 pass, 99 a threshold does not hold, 4 invalid, 2 bad usage or target, 1 the harness
itself failed.`,
		Example: `  stampede load --target http://127.0.0.1:8080/health --rate 1000 --duration 30s
  stampede load --target https://shop.example --phase "ramp 100 to 1000 for 1m" \
    --phase "constant 1000 for 2m" --threshold "p99(latency) < 142ms" --threshold "rate(errors) < 0.1%"
  stampede load --target https://shop.example --requests mix.yaml --trace friday.csv --speed 60 \
    --out out/friday.json --out out/friday.csv
  stampede load --target http://127.0.0.1:8080/orders --method POST --body @order.json \
    --header "Content-Type: application/json" --expect-status 202 --expect-json "accepted == 1"
  stampede load --target http://127.0.0.1:8080 --users 50 --think 1s --duration 1m
  stampede load --target http://10.0.0.7:8080 --rate 40000 --workers 4 --nats-listen :4222
  stampede load --self-test                       # what can this machine generate?
  stampede load --calibrate                       # is what it says true on this machine?
  stampede load --cost                            # what does a request cost it, and other tools?`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			collectSeldom()
			if toCheck {
				check.seed = f.seed
				return calibrate(cmd.Context(), t, check)
			}
			if toCost {
				if !cmd.Flags().Changed("calibrate-rates") {
					check.rates = nil // truth has its own
				}
				return cost(cmd.Context(), t, check)
			}
			if selfTest {
				return runSelfTest(cmd.Context(), t, quiet)
			}
			o := load.Options{Name: name, Version: version}
			var faults []error
			if !cmd.Flags().Changed("seed") {
				f.seed = rand.Uint64()
			}
			j, err := f.job(cmd.Flags().Changed)
			if err != nil {
				faults = append(faults, err)
			}
			o.Job = j
			for _, text := range thresholds {
				one, err := threshold.Parse(text)
				if err == nil && one.Metric == threshold.Freshness {
					err = fmt.Errorf("threshold %q: only a drill measures freshness", text)
				}
				if err != nil {
					faults = append(faults, err)
				}
				o.Thresholds = append(o.Thresholds, one)
			}
			for _, text := range outputs {
				one, err := load.ParseOutput(text)
				if err != nil {
					faults = append(faults, err)
				}
				o.Outputs = append(o.Outputs, one)
			}
			if o.Workers, err = team.workers(t, cmd.Flags().Changed, quiet); err != nil {
				faults = append(faults, err)
			}
			if len(faults) > 0 {
				return usage(errors.Join(faults...), "see `stampede load --help`")
			}
			o.Limits.LagP99 = f.maxLag
			o.Command = repeatLoad(cmd.Flags(), f.seed)
			if !quiet {
				o.Progress, o.Terminal = t.stderr, isTerminal(t.stderr)
			}
			r, err := load.Run(cmd.Context(), o)
			if errors.Is(err, load.ErrRefused) {
				return usage(err, "nothing was sent")
			}
			if r == nil {
				return err
			}
			if err := show(t, r, quiet); err != nil {
				return err
			}
			if err != nil {
				return err
			}
			if r.ExitCode != 0 {
				return &exitError{code: r.ExitCode}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	f.register(flags)
	team.register(flags)
	flags.StringVar(&name, "name", "", "what the load is called in its reports")
	flags.StringArrayVar(&thresholds, "threshold", nil, "a limit, such as \"p99(latency) < 142ms\"; may be repeated")
	flags.StringArrayVar(&outputs, "out", nil, "where the result goes besides the terminal; may be repeated")
	flags.BoolVar(&toCheck, "calibrate", false, "send no load of yours, but hold this generator, and vegeta, k6 and fortio where installed, against a server that misbehaves on schedule")
	flags.IntSliceVar(&check.rates, "calibrate-rates", []int{1000, 5000}, "requests/s to calibrate at")
	flags.IntVar(&check.runs, "calibrate-runs", 5, "runs of which medians are taken")
	flags.IntVar(&check.other, "calibrate-others", 1, "runs of every other tool; 0 leaves them out")
	flags.DurationVar(&check.each, "calibrate-for", 4*time.Second, "length of each run")
	flags.BoolVar(&toCost, "cost", false, "send no load of yours, but say what a request costs this generator in CPU, and vegeta, k6 and fortio where installed; rates, runs and length as of --calibrate")
	flags.BoolVar(&quiet, "quiet", false, "no progress and no tables, only the verdict")
	flags.BoolVar(&selfTest, "self-test", false, "say what load this machine can generate, against a server of its own, in under a minute")
	return cmd
}

// show prints the result, or its verdict alone.
func show(t *terminal, r *loadtest.Result, quiet bool) error {
	if quiet {
		_, err := fmt.Fprintln(t.stdout, r.Verdict)
		return err
	}
	return loadtest.WriteText(t.stdout, r, isTerminal(t.stdout) && !slices.ContainsFunc(t.env, func(v string) bool { return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" }))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// secret are headers whose values do not belong into a report.
var secret = regexp.MustCompile(`(?i)^\s*(proxy-)?(authorization|cookie|x-[a-z-]*(key|token|secret)[a-z-]*)\s*:`)

// repeatLoad is what sends the same requests again, once the secrets it leaves out are put in.
func repeatLoad(flags *pflag.FlagSet, seed uint64) string {
	command := "stampede load"
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			switch {
			case f.Name == "seed":
			case f.Name == "nats": // it may have a token or a password
				command += " --nats NATS_URL"
			case f.Name == "header" && secret.MatchString(v):
				name, _, _ := strings.Cut(v, ":")
				command += " --header " + quoted(name+": …")
			case f.Value.Type() == "bool":
				command += " --" + f.Name
			default:
				command += " --" + f.Name + " " + quoted(v)
			}
		}
	})
	return fmt.Sprintf("%s --seed %d", command, seed)
}

// quoted is a word as a POSIX shell reads it.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " '\"$*?[]{}()<>|&;\\#~`!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
