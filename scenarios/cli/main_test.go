package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// asCommand makes this test binary behave as stampede, or as curl, for tests that start it themselves.
const asCommand = "STAMPEDE_TEST_COMMAND"

func stampede() { os.Exit(Main(os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr)) }

func TestMain(m *testing.M) {
	switch os.Getenv(asCommand) {
	case "stampede":
		stampede()
	case "curl":
		if err := curl(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testscript.Main(m, map[string]func(){"stampede": stampede})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// Nothing in a script gets as far as a function; a run that did would fail for this.
			env.Setenv("STAMPEDE_FN", "/bin/false")
			// Something to load.
			target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/broken" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				_, _ = io.Copy(w, r.Body)
			}))
			env.Defer(target.Close)
			env.Setenv("TARGET", target.URL)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command and wants an exit code: exits 2 stampede run.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = exitCode(err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

func TestEveryCommandShowsExamples(t *testing.T) {
	var look func(*cobra.Command)
	seen := 0
	look = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		seen++
		require.NotEmpty(t, cmd.Example, "%s", cmd.CommandPath())
		require.NotEmpty(t, cmd.Short, "%s", cmd.CommandPath())
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	root := newRoot(&terminal{})
	look(root)
	require.Greater(t, seen, 7)
}

// exitCode is a process's as text, or why it has none.
func exitCode(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err.Error()
	}
	return strconv.Itoa(exit.ExitCode())
}
