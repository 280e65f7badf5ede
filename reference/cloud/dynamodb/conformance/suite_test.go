package conformance

import (
	"bufio"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed skipped.txt
var skipped string

// mustPass is one more than the best other stand-in passes: dynoxide 1.2.1, 589 of 601.
const mustPass = 590

func TestListOfSkippedTestsIsWellFormed(t *testing.T) {
	_, err := ParseExcuses(skipped)
	require.NoError(t, err)
}

// TestPublicSuite runs the suite in the folder that STAMPEDE_SUITE names against the binary that
// STAMPEDE_BINARY names.
func TestPublicSuite(t *testing.T) {
	suite, binary := os.Getenv("STAMPEDE_SUITE"), os.Getenv("STAMPEDE_BINARY")
	required := strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ",")
	if suite == "" {
		const why = "no STAMPEDE_SUITE: `make conformance SUITE=DIR` runs the public suite"
		require.NotContains(t, required, "suite", why)
		t.Skip(why)
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			why := "no " + tool + " found: the public suite was not run; install " + tool + " (apt-get install nodejs npm)"
			require.NotContains(t, required, "node", why)
			t.Skip(why)
		}
	}
	excuses, err := ParseExcuses(skipped)
	require.NoError(t, err)
	install(t, suite)
	report := filepath.Join(t.TempDir(), "report.json")
	run := exec.Command("npx", "vitest", "run", "--reporter=json", "--outputFile="+report)
	run.Dir = suite
	run.Env = append(os.Environ(), "DYNAMODB_ENDPOINT="+serve(t, binary), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local")
	said, runErr := run.CombinedOutput() // it fails if one test does; the report says which
	text, err := os.ReadFile(report)
	require.NoError(t, err, "vitest made no report: %v\n%s", runErr, said)
	v, err := Judge(text, excuses)
	require.NoError(t, err)
	t.Logf("%d tests: %d passed, %d skipped, %d failed", v.Tests, v.Passed, v.Skipped, len(v.Failed))
	for _, name := range v.Surprises {
		t.Logf("listed in skipped.txt but passes: %s", name)
	}
	for _, name := range v.Failed {
		t.Errorf("failed: %s", name)
	}
	for _, name := range v.Unknown {
		t.Errorf("listed in skipped.txt but not in the suite: %s", name)
	}
	require.GreaterOrEqual(t, v.Passed, mustPass, "fewer tests pass than of the best other stand-in")
}

// install fetches the suite's dependencies, the locked ones where the registry has them.
func install(t *testing.T, suite string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(suite, "node_modules")); err == nil {
		return
	}
	var said []byte
	var err error
	for _, args := range [][]string{{"ci"}, {"install", "--no-package-lock"}} {
		npm := exec.Command("npm", append(args, "--no-audit", "--no-fund")...)
		npm.Dir = suite
		if said, err = npm.CombinedOutput(); err == nil {
			return
		}
		if args[0] == "ci" { // the lock file is read even where it is not to be written
			without(t, filepath.Join(suite, "package-lock.json"))
		}
	}
	require.NoError(t, err, "install the suite's dependencies: %s", said)
}

// without takes a file away until the test ends.
func without(t *testing.T, file string) {
	t.Helper()
	aside := file + ".aside"
	require.NoError(t, os.Rename(file, aside))
	t.Cleanup(func() { require.NoError(t, os.Rename(aside, file)) })
}

// serve runs the service for as long as the test and returns its address.
func serve(t *testing.T, binary string) string {
	t.Helper()
	cloud := exec.Command(binary, "cloud", "--services", "dynamodb", "--limits", "off", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir())
	cloud.Stderr = os.Stderr
	out, err := cloud.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cloud.Start())
	t.Cleanup(func() {
		require.NoError(t, cloud.Process.Signal(syscall.SIGTERM))
		_ = cloud.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(url)
}
