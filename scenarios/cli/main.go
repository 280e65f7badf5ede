package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// version is set by the linker.
var version = "unknown"

// terminal is what a command may use of the outside world.
type terminal struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    []string
}

// exitError carries an exit code that is not the default of its kind; a nil err prints nothing.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks an error as the caller's: exit code 2.
func usage(err error, hint string) error {
	return &exitError{code: reports.ExitUsage, err: err, hint: hint}
}

// Main runs one command and returns its exit code: 0 pass, 99 fail, 3 inconclusive, 4 invalid,
// 2 bad usage or scenario, 1 the harness itself failed. args[0] is the program's name.
func Main(args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	t := &terminal{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := newRoot(t)
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return reports.VerdictPass.ExitCode()
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		// cobra's own complaints are about usage; ours that are not exitErrors come from running.
		exit = &exitError{code: reports.ExitHarness, err: err}
	}
	if exit.err != nil {
		printError(stderr, exit)
		if exit.hint != "" {
			fmt.Fprintf(stderr, "hint: %s\n", exit.hint)
		}
	}
	return exit.code
}

// printError prints one line, or a count and then the mistakes, each at the start of its line as
// editors want file:line:col.
func printError(w io.Writer, e *exitError) {
	text := strings.TrimRight(e.err.Error(), "\n")
	if n := strings.Count(text, "\n") + 1; n > 1 && e.code == reports.ExitUsage {
		fmt.Fprintf(w, "error: %d mistakes\n", n)
		fmt.Fprintln(w, text)
		return
	}
	fmt.Fprintf(w, "error: %s\n", text)
}

func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "stampede",
		Short: "Load and chaos drills that tell the truth, with a complete platform to run them on",
		Long: `Stampede runs a multi-tenant retail analytics platform through load and faults, and says,
with proof, whether it held: latency from the planned time, rollback within its limit, and no
accepted event lost or counted twice.

Exit codes: 0 pass, 99 fail, 3 inconclusive, 4 invalid, 2 bad usage or scenario, 1 the harness
itself failed.`,
		Example: `  stampede run black-friday          # the drill of make demo; the report lands in out/
  stampede scenarios list            # what else there is
  stampede load --target http://127.0.0.1:8080 --rate 1000 --duration 30s
  stampede serve                     # the platform on this machine, to try by hand`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(newHelp())
	root.AddCommand(newRun(t), newLoad(t), newWorker(t), newServe(t), newCloud(t), newScenarios(t), newFit(t), newVersion(t), newAgent(t), newRuntimeWrapper(t), newCalibrationServer(t), newNullServer(t))
	bad := func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			err = fmt.Errorf("%w%s", err, scenarios.Suggest(unknown.GetSpecifiedName(), names))
		}
		return usage(err, fmt.Sprintf("see `%s --help`", cmd.CommandPath()))
	}
	var mark func(*cobra.Command)
	mark = func(cmd *cobra.Command) {
		cmd.SetFlagErrorFunc(bad)
		if check := cmd.Args; check != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return bad(cmd, err)
				}
				return nil
			}
		}
		for _, sub := range cmd.Commands() {
			mark(sub)
		}
	}
	mark(root)
	return root
}

func newVersion(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  stampede version",
		Args:    noArguments,
		Run:     func(*cobra.Command, []string) { fmt.Fprintln(t.stdout, version) },
	}
}

// newHelp is cobra's help command, but an unknown topic is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]...",
		Short:   "Print the help of a command",
		Example: "  stampede help run",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage(fmt.Errorf("no command %q to help with", strings.Join(args, " ")), "`stampede help` lists the commands")
			}
			return about.Help()
		},
	}
}

// noArguments refuses arguments; under a command that only groups others it names the unknown one.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		var names []string
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				names = append(names, sub.Name())
			}
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), scenarios.Suggest(args[0], names))
	default:
		return fmt.Errorf("%s takes no argument, and got %q", cmd.CommandPath(), args[0])
	}
}

// oneArgument wants exactly one, of which what says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s wants one %s, and got %d arguments", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}
