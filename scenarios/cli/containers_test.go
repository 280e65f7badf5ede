package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/loadtest"
)

// containers are stampede's, from one image, on a private network.
type containers struct {
	t     *testing.T
	image string
	net   *testcontainers.DockerNetwork
}

// openContainers skips the test where there is no Docker, unless STAMPEDE_REQUIRE, a list with
// commas, names it.
func openContainers(t *testing.T) *containers {
	t.Helper()
	if exec.CommandContext(t.Context(), "docker", "info").Run() != nil {
		if slices.Contains(strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), "docker") {
			t.Fatal("Docker does not answer, and STAMPEDE_REQUIRE names docker")
		}
		t.Skip("install Docker to test workers in containers: apt-get install docker.io iptables, and start dockerd")
	}
	// The library's own janitor is an image that would have to be downloaded; Cleanup does its work.
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "stampede"), "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY stampede /stampede\nENTRYPOINT [\"/stampede\"]\n"), 0o644))
	c := &containers{t: t, image: "stampede-test:" + fmt.Sprint(os.Getpid())}
	out, err = exec.CommandContext(t.Context(), "docker", "build", "-q", "-t", c.image, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() {
		out, err := exec.Command("docker", "rmi", "-f", c.image).CombinedOutput()
		require.NoError(t, err, string(out))
	})
	c.net, err = network.New(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.net.Remove(context.Background())) })
	return c
}

// start runs stampede with args in a container that others of the network know as name; the machine
// around them is known as outside.
func (c *containers) start(name string, more []testcontainers.ContainerCustomizer, args ...string) *testcontainers.DockerContainer {
	c.t.Helper()
	box, err := testcontainers.Run(c.t.Context(), c.image, append(more,
		network.WithNetwork([]string{name}, c.net),
		testcontainers.WithCmd(args...),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) { h.ExtraHosts = []string{"outside:host-gateway"} }),
	)...)
	if box != nil {
		c.t.Cleanup(func() { require.NoError(c.t, testcontainers.TerminateContainer(box, testcontainers.StopTimeout(0))) })
	}
	require.NoError(c.t, err)
	return box
}

// ended waits for a container's exit code, and returns it with what the container printed.
func (c *containers) ended(box *testcontainers.DockerContainer) (code int, text string) {
	c.t.Helper()
	require.NoError(c.t, wait.ForExit().WithExitTimeout(2*time.Minute).WaitUntilReady(c.t.Context(), box))
	state, err := box.State(c.t.Context())
	require.NoError(c.t, err)
	logs, err := box.Logs(c.t.Context())
	require.NoError(c.t, err)
	printed, err := io.ReadAll(logs)
	require.NoError(c.t, err)
	return state.ExitCode, string(printed)
}

// A load of three machines, which containers on a private network are to each other, is one load:
// each request is sent once, also when a machine is lost and the others go on.
func TestWorkersInContainers(t *testing.T) {
	c := openContainers(t)
	var arrived atomic.Int64
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	require.NoError(t, shop.Listener.Close())
	shop.Listener = listener
	shop.Start()
	t.Cleanup(shop.Close)
	target := fmt.Sprintf("http://outside:%d", listener.Addr().(*net.TCPAddr).Port)

	const workers = 3
	for _, lose := range []bool{false, true} {
		t.Run(fmt.Sprintf("lose=%t", lose), func(t *testing.T) {
			c := &containers{t: t, image: c.image, net: c.net}
			arrived.Store(0)
			env := []testcontainers.ContainerCustomizer{testcontainers.WithEnv(map[string]string{natsToken: "token"})}
			const total = 2000 // 200 a second for ten seconds, evenly
			controller := c.start("controller", env, "load", "--target", target, "--phase", "constant 200 for 10s", "--arrivals", "even",
				"--workers", fmt.Sprint(workers), "--nats-listen", "0.0.0.0:4222", "--on-worker-loss", "continue", "--max-lag", "1m", "--out", "/load.json")
			var boxes []*testcontainers.DockerContainer
			for i := range workers {
				boxes = append(boxes, c.start(fmt.Sprintf("worker-%d", i), nil, "worker", "--nats", "nats://token@controller:4222"))
			}
			if lose {
				require.Eventually(t, func() bool { return arrived.Load() > total/10 }, time.Minute, 10*time.Millisecond)
				require.NoError(t, boxes[0].Stop(t.Context(), new(time.Duration))) // SIGKILL at once
			}
			code, text := c.ended(controller)
			file, err := controller.CopyFileFromContainer(t.Context(), "/load.json")
			require.NoError(t, err, text)
			defer func() { require.NoError(t, file.Close()) }()
			var r loadtest.Result
			require.NoError(t, json.NewDecoder(file).Decode(&r), text)
			all := r.Measure.Select(nil)
			require.EqualValues(t, total, all.Planned, text)
			require.EqualValues(t, total, all.Latency.Count(), "what was never sent counts as late")
			require.Len(t, r.Workers, workers)
			var told, unsent int64
			states := map[string]int{}
			for _, w := range r.Workers {
				told, unsent = told+w.Requests, unsent+w.Unsent
				states[w.State]++
			}
			require.EqualValues(t, total, told+unsent, "each request is one worker's")
			if lose {
				require.Equal(t, map[string]int{"reported": workers - 1, "lost": 1}, states, text)
				require.Positive(t, unsent)
				require.GreaterOrEqual(t, arrived.Load(), told, "what is said to have been sent has arrived")
				require.Less(t, arrived.Load(), int64(total))
				return
			}
			require.Equal(t, reports.VerdictPass, r.Verdict, text)
			require.Zero(t, code, text)
			require.Equal(t, map[string]int{"reported": workers}, states)
			require.EqualValues(t, total, arrived.Load())
			require.Zero(t, unsent)
		})
	}
}
