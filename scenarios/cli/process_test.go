package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/worker"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/lambda"
)

// process is a stampede command that runs until it is stopped.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer // complete once it has exited
	exited chan struct{}
}

func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(self, args...), exited: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), asCommand+"=stampede"), env...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdout = bufio.NewReader(out)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.wait()
	})
	return p
}

// until reads stdout up to the line that begins with prefix, and returns all of it.
func (p *process) until(prefix string) string {
	p.t.Helper()
	var all strings.Builder
	for {
		line, err := p.stdout.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			p.wait()
			require.Fail(p.t, "the process ended", "waiting for %q: stdout %q, stderr %q", prefix, all.String(), p.stderr.String())
		}
		if strings.HasPrefix(line, prefix) {
			return all.String()
		}
	}
}

// wait reads the rest of stdout and returns the exit code; a second call returns it again.
func (p *process) wait() int {
	select {
	case <-p.exited:
	default:
		_, _ = io.Copy(io.Discard, p.stdout)
		_ = p.cmd.Wait()
		close(p.exited)
	}
	return p.cmd.ProcessState.ExitCode()
}

// interrupt is Ctrl-C.
func (p *process) interrupt() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGINT))
	return p.wait()
}

func TestCloudServesASubsetUntilInterrupted(t *testing.T) {
	p := start(t, nil, "cloud", "--services", "dynamodb", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--access-key", "me:secret")
	url := strings.TrimSpace(p.until("http://"))

	health, err := http.Get(url + cloud.HealthPath)
	require.NoError(t, err)
	require.NoError(t, health.Body.Close())
	require.Equal(t, http.StatusOK, health.StatusCode)

	list := func(secret string) error {
		_, err := dynamodb.New(dynamodb.Options{
			BaseEndpoint: aws.String(url), Region: "us-east-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("me", secret, ""),
		}).ListTables(t.Context(), &dynamodb.ListTablesInput{})
		return err
	}
	require.NoError(t, list("secret"))
	require.ErrorContains(t, list("guessed"), "InvalidSignatureException")

	require.Zero(t, p.interrupt(), "stderr: %s", p.stderr.String())
	_, err = http.Get(url + cloud.HealthPath)
	require.Error(t, err, "it still answers")
}

func TestWorkersSendALoadTogether(t *testing.T) {
	b, err := worker.OpenBroker("127.0.0.1:0", "")
	require.NoError(t, err)
	defer b.Close()
	var arrived atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer target.Close()
	staying := start(t, nil, "worker", "--nats", b.URL(), "--name", "staying")
	leaving := start(t, nil, "worker", "--nats", b.URL(), "--name", "leaving", "--once")
	p := start(t, nil, "load", "--target", target.URL, "--rate", "200", "--duration", "500ms", "--arrivals", "even", "--max-lag", "5s",
		"--workers", "2", "--nats", b.URL(), "--threshold", "count(requests) == 100")
	said, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	require.Zero(t, p.wait(), "%s%s", said, p.stderr.String())
	require.EqualValues(t, 100, arrived.Load())
	require.Regexp(t, `(?m)^staying +\d+ +0 +-?\d+\.\d\d ms ± \d+\.\d\d$`, string(said))
	require.Zero(t, leaving.wait(), leaving.stderr.String())

	old := start(t, nil, "worker", "--nats", strings.Replace(b.URL(), "@", "x@", 1))
	require.Equal(t, 1, old.wait())
	require.Contains(t, old.stderr.String(), "Authorization Violation")
	require.Zero(t, staying.interrupt(), staying.stderr.String())
}

func TestATakenPortIsSaidClearly(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, command := range []string{"cloud", "serve"} {
		dir := filepath.Join(t.TempDir(), "state")
		p := start(t, []string{"STAMPEDE_FN=/bin/false"}, command, "--listen", taken.Addr().String(), "--data-dir", dir)
		require.Equal(t, 1, p.wait())
		require.Regexp(t, `^error: listen on `+taken.Addr().String()+`: .*address already in use\nhint: another process has that port; --listen 127.0.0.1:0 picks a free one\n$`, p.stderr.String())
		require.NoDirExists(t, filepath.Join(dir, "state"))
	}
}

func TestADataDirectoryHasOneUser(t *testing.T) {
	dir := t.TempDir()
	first := start(t, nil, "cloud", "--services", "sqs", "--listen", "127.0.0.1:0", "--data-dir", dir)
	first.until("http://")
	second := start(t, nil, "cloud", "--services", "sqs", "--listen", "127.0.0.1:0", "--data-dir", dir)
	require.Equal(t, 1, second.wait())
	require.Regexp(t, `^error: open state: .*\nhint: another process uses .*; --data-dir names another folder\n$`, second.stderr.String())
	require.Zero(t, first.interrupt())
}

func buildBootstrap(t *testing.T) string {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "stampede-fn")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bootstrap, "../../reference/functions/bootstrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bootstrap
}

// TestARequestCanBeFollowedToItsRollUp: the correlation id of an answer leads through serve's log
// from the function that accepted the request over the object that carried it to the roll-up of
// its minute, which the block's own copy of the id reached.
func TestARequestCanBeFollowedToItsRollUp(t *testing.T) {
	dir := t.TempDir()
	p := start(t, []string{"STAMPEDE_FN=" + buildBootstrap(t)}, "serve", "--listen", "127.0.0.1:0", "--data-dir", dir, "--log-level", "debug")
	said := p.until("Ctrl-C")
	var answer api.BatchAnswer
	require.NoError(t, json.Unmarshal(shell(t, commands(said)[0]), &answer))
	require.NotEmpty(t, answer.Correlation)

	// What each function says about the request, by message.
	told := func() map[string]map[string]any {
		text, err := os.ReadFile(filepath.Join(dir, "serve.log"))
		require.NoError(t, err)
		lines := map[string]map[string]any{}
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, `"`+answer.Correlation+`"`) {
				continue
			}
			_, line, _ = strings.Cut(line, " ") // behind the function and version
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &fields), line)
			lines[fmt.Sprint(fields["function"], ": ", fields["msg"])] = fields
		}
		return lines
	}
	const accepted, carried, counted = "ingest-events: ingest_events", "process-products: object requests", "process-insights: minute rolled up"
	require.Eventually(t, func() bool { return told()[counted] != nil }, 90*time.Second, 200*time.Millisecond, "nothing says that it is counted")
	lines := told()
	require.EqualValues(t, http.StatusAccepted, lines[accepted]["status"])
	require.Equal(t, answer.Correlation, lines[accepted]["correlation_id"])
	require.NotEmpty(t, lines[carried]["key"])
	require.Equal(t, lines[accepted]["tenant"], lines[counted]["tenant"])
	require.Zero(t, p.interrupt(), "stderr: %s", p.stderr.String())
}

// TestServeWorksAsItSays does what serve prints, and then what Ctrl-C and kill -9 promise.
func TestServeWorksAsItSays(t *testing.T) {
	bootstrap, dir := buildBootstrap(t), t.TempDir()
	serve := func() (*process, string, []string) {
		p := start(t, []string{"STAMPEDE_FN=" + bootstrap}, "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
		said := p.until("Ctrl-C")
		return p, said, commands(said)
	}
	p, said, printed := serve()
	require.Len(t, printed, 2, "%s", said)
	url := strings.Fields(said)[4]
	url = strings.TrimSuffix(url, ";")

	send, read := printed[0], printed[1]
	for range 2 { // the replay of an id is accepted as well
		var answer api.BatchAnswer
		require.NoError(t, json.Unmarshal(shell(t, send), &answer))
		require.Equal(t, 1, answer.Accepted)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var summary api.Summary
		require.NoError(c, json.Unmarshal(shell(t, read), &summary))
		require.EqualValues(c, 1, summary.Events, "the event counts once")
	}, 90*time.Second, 500*time.Millisecond)

	pids := functionProcesses(t, url)
	require.NotEmpty(t, pids)
	require.NoError(t, p.cmd.Process.Kill())
	p.wait()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return gone(pid) }, 30*time.Second, 20*time.Millisecond, "function process %d outlived serve", pid)
	}

	// The state is still there for the next one, and Ctrl-C ends it in order.
	p, said, printed = serve()
	var summary api.Summary
	require.NoError(t, json.Unmarshal(shell(t, printed[1]), &summary), "%s", said)
	require.EqualValues(t, 1, summary.Events)
	url = strings.TrimSuffix(strings.Fields(said)[4], ";")
	pids = functionProcesses(t, url)
	require.NotEmpty(t, pids)
	require.Zero(t, p.interrupt(), "stderr: %s", p.stderr.String())
	for _, pid := range pids {
		require.True(t, gone(pid), "function process %d outlived serve", pid)
	}
}

// commands are the curl commands in what serve says, continuation lines included.
func commands(said string) []string {
	var found []string
	open := false
	for line := range strings.Lines(said) {
		switch {
		case open:
			found[len(found)-1] += line
		case strings.HasPrefix(line, "  curl "):
			found = append(found, line)
		default:
			continue
		}
		open = strings.HasSuffix(line, "\\\n")
	}
	return found
}

// shell runs a command in the POSIX shell, with a stand-in for curl where there is none.
func shell(t *testing.T, command string) []byte {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = os.Environ()
	if _, err := exec.LookPath("curl"); err != nil {
		self, err := os.Executable()
		require.NoError(t, err)
		bin := t.TempDir()
		require.NoError(t, os.Symlink(self, filepath.Join(bin, "curl")))
		cmd.Env = append(cmd.Env, asCommand+"=curl", "PATH="+bin+":"+os.Getenv("PATH"))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s", command, stderr.String())
	return out
}

// curl understands what the printed commands use of curl.
func curl(args []string) error {
	method, url, header, body := http.MethodGet, "", http.Header{}, ""
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-s":
		case "-H", "-d":
			if i++; i == len(args) {
				return fmt.Errorf("%s without a value", args[i-1])
			}
			if args[i-1] == "-d" {
				method, body = http.MethodPost, args[i]
				continue
			}
			key, value, _ := strings.Cut(args[i], ":")
			header.Set(key, strings.TrimSpace(value))
		default:
			url = args[i]
		}
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func functionProcesses(t *testing.T, url string) []int {
	t.Helper()
	answer, err := http.Get(url + cloud.EnvironmentsPath)
	require.NoError(t, err)
	defer answer.Body.Close()
	var environments []lambda.Environment
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&environments))
	var pids []int
	for _, e := range environments {
		pids = append(pids, e.PID)
	}
	return pids
}

// gone says that a process has ended; one that nobody has waited for yet has.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}
