package cli

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/scenarios"
	"github.com/retailflow/stampede/scenarios/run"
)

func newRun(t *terminal) *cobra.Command {
	var (
		out, dataDir string
		speed        string
		seed         uint64
		set          []string
		quiet        bool
	)
	cmd := &cobra.Command{
		Use:   "run FILE|NAME",
		Short: "Run a drill and write its report",
		Long: `Run boots the platform as real processes, drives the scenario's load through it, breaks it as
the scenario says, checks what it proved, and writes report.html, report.json, junit.xml and
summary.md. Ctrl-C at any moment heals the faults, stops the processes and writes the report of
what was seen, with the verdict INVALID.

Exit codes: 0 pass, 99 fail, 3 inconclusive, 4 invalid, 2 bad usage or scenario, 1 the harness
itself failed.`,
		Example: `  stampede run black-friday
  stampede run smoke --out out/smoke --seed 7
  stampede run mine.yaml --set load.timeout=5s --set objectives.p99=100ms
  stampede run day --speed 40`,
		Args: oneArgument("FILE or NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if speed != "" {
				set = append(set, "load.speed="+speed)
			}
			s, err := openScenario(args[0], set, seed)
			if err != nil {
				return err
			}
			switch {
			case cmd.Flags().Changed("seed"):
			case s.Seed != 0:
				seed = s.Seed
			default:
				seed = rand.Uint64()
			}
			if out == "" {
				out = filepath.Join("out", s.Name)
			}
			binary, err := functionBinary()
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this executable: %w", err)
			}
			progress, onTerminal := io.Writer(nil), false
			if !quiet {
				progress = t.stderr
				onTerminal = isTerminal(t.stderr)
			}
			result, err := run.Drill(cmd.Context(), run.Options{
				Scenario: s, Overrides: set, Seed: seed, Out: out, DataDir: dataDir,
				Self: []string{self}, FunctionBinary: binary, Version: version,
				Command: repeatCommand(args[0], seed, set), Progress: progress, Terminal: onTerminal,
			})
			if mistakes := (scenarios.Diagnostics)(nil); errors.Is(err, run.ErrScenario) || errors.As(err, &mistakes) {
				return usage(err, "nothing was started; `stampede scenarios show "+s.Name+"` prints the scenario")
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(t.stdout, "%s  %s\n", result.Verdict, filepath.Join(out, "report.html"))
			if result.ExitCode != 0 {
				return &exitError{code: result.ExitCode}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "folder of the report (default out/NAME)")
	flags.StringVar(&dataDir, "data-dir", "", "folder of the platform's state, kept afterwards (default: a temporary one, removed)")
	flags.Uint64Var(&seed, "seed", 0, "seed of everything random (default: the scenario's, else drawn and printed)")
	flags.StringVar(&speed, "speed", "", "divide the times that requests are planned for by this, and nothing else (default: the scenario's, else 1)")
	flags.StringArrayVar(&set, "set", nil, "override a value of the scenario, as path=value; may be repeated")
	flags.BoolVar(&quiet, "quiet", false, "no progress, only the verdict")
	return cmd
}

// repeatCommand is what a reader of the report types to run the drill again.
func repeatCommand(scenario string, seed uint64, set []string) string {
	command := fmt.Sprintf("stampede run %s --seed %d", scenario, seed)
	for _, s := range set {
		command += " --set " + quoted(s)
	}
	return command
}

// functionBinary is stampede-fn beside this executable, or what STAMPEDE_FN names.
func functionBinary() (string, error) {
	if path := os.Getenv("STAMPEDE_FN"); path != "" {
		return filepath.Abs(path)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this executable: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), "stampede-fn")
	if _, err := os.Stat(path); err != nil {
		return "", &exitError{code: 1, err: errors.New("no stampede-fn beside " + self),
			hint: "`make build` makes both; STAMPEDE_FN may name it elsewhere"}
	}
	return path, nil
}
