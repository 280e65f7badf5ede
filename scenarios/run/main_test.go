package run_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain is also the program of the broken functions: Lambda starts this binary as their
// execution environment.
func TestMain(m *testing.M) {
	if os.Getenv("_HANDLER") != "" {
		serveBroken()
		return
	}
	code := m.Run()
	if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1")); // of the S3 gateway, for ever
	err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	if dir := buildDir; dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// product are the programs as they are shipped.
type product struct{ stampede, fn string }

var buildDir string // removed at the end

// build makes the product once. Its flags are those of the Makefile, so that `make build` and
// this share their cache.
var build = sync.OnceValues(func() (product, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "stampede-run-test-"); err != nil {
		return product{}, err
	}
	p := product{filepath.Join(buildDir, "stampede"), filepath.Join(buildDir, "stampede-fn")}
	for out, pkg := range map[string]string{p.stampede: ".", p.fn: "./reference/functions/bootstrap"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", out, pkg)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, e := cmd.CombinedOutput(); e != nil {
			err = errors.Join(err, fmt.Errorf("go build %s: %w\n%s", pkg, e, text))
		}
	}
	return p, err
})

// built is the product; the test is skipped in short mode, for it is about real processes.
func built(t *testing.T) product {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole platform")
	}
	p, err := build()
	require.NoError(t, err)
	return p
}
