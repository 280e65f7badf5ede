package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/lifeline"
)

// TestMain makes the test binary its own Lambda function when Lambda starts it, and a service
// to be killed when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		beFunction()
		return
	}
	if dir := os.Getenv("LAMBDA_TEST_DOOMED"); dir != "" {
		doomed(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// job is what a test tells the function to do; steps are done in this order.
type job struct {
	Print  string
	Spawn  bool // a grandchild that outlives its parent, unless someone cares
	Sleep  time.Duration
	Burn   time.Duration // of processor time
	Until  string        // waits for this file
	Exit   *int
	Panic  bool
	Fail   string
	Answer int    // bytes of an answer
	Env    string // a variable to answer with
	Echo   json.RawMessage
}

// said is what the function answers.
type said struct {
	PID       int
	Version   string
	Env       string
	RequestID string
	ARN       string
	Trace     string
	Client    map[string]string
	Left      time.Duration
	Grandkid  int
	Fill      string
	Echo      json.RawMessage
}

func beFunction() {
	if err := lifeline.Watch(nil); err != nil {
		panic(err)
	}
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("cannot start")
		os.Exit(7)
	case "hang":
		select {}
	}
	if os.Getenv("ROLE") == "consumer" {
		lambda.Start(consume)
	}
	lambda.Start(func(ctx context.Context, j job) (said, error) {
		if j.Print != "" {
			fmt.Println(j.Print)
		}
		out := said{PID: os.Getpid(), Version: os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"), Env: os.Getenv(j.Env), Echo: j.Echo}
		if j.Spawn {
			cmd := exec.Command("/bin/sleep", "60")
			if err := cmd.Start(); err != nil {
				return out, err
			}
			out.Grandkid = cmd.Process.Pid
		}
		time.Sleep(j.Sleep)
		for j.Burn > 0 && selfCPU() < j.Burn {
		}
		for j.Until != "" {
			if _, err := os.Stat(j.Until); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		switch {
		case j.Exit != nil:
			os.Exit(*j.Exit)
		case j.Panic:
			panic("on demand")
		case j.Fail != "":
			return out, errors.New(j.Fail)
		}
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			out.RequestID, out.ARN, out.Client = lc.AwsRequestID, lc.InvokedFunctionArn, lc.ClientContext.Custom
		}
		out.Trace, _ = ctx.Value("x-amzn-trace-id").(string)
		if deadline, ok := ctx.Deadline(); ok {
			out.Left = time.Until(deadline)
		}
		out.Fill = strings.Repeat("x", j.Answer)
		return out, nil
	})
}

// bench is one service with a real SDK client.
type bench struct {
	*Service
	t       testing.TB
	options Options
	client  *sdk.Client
	output  *lines
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openDB(t testing.TB, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{}})
	require.NoError(t, err)
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// start opens a service on a database in memory; change may alter its options.
func start(t testing.TB, change func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, output: &lines{}}
	db := openDB(t, vfs.NewMem())
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	b.options = Options{DB: db, Dir: t.TempDir(), FunctionLog: b.output, Log: slog.New(slog.NewTextHandler(b.output, nil))}
	if change != nil {
		change(&b.options)
	}
	b.open()
	return b
}

// open serves a new service with the options of the last one.
func (b *bench) open() {
	b.t.Helper()
	s, err := Open(b.options)
	require.NoError(b.t, err)
	b.Service = s
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, b.options.Log)
	mux.Handle("lambda", 70<<20, s)
	server := httptest.NewServer(mux)
	b.client = sdk.New(sdk.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  server.Client(),
	})
	b.t.Cleanup(func() {
		server.Close()
		require.NoError(b.t, s.Close())
	})
}

// create makes a function of the test binary; change may alter the request.
func (b *bench) create(name string, change func(*sdk.CreateFunctionInput)) *sdk.CreateFunctionOutput {
	b.t.Helper()
	self, err := os.Executable()
	require.NoError(b.t, err)
	in := &sdk.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Role: aws.String("arn:aws:iam::000000000000:role/f"), Handler: &name,
		Timeout: aws.Int32(30), Code: &types.FunctionCode{S3Bucket: aws.String("hot-reload"), S3Key: &self},
	}
	if change != nil {
		change(in)
	}
	out, err := b.client.CreateFunction(context.Background(), in)
	require.NoError(b.t, err)
	return out
}

// call invokes through the SDK and expects the function to succeed.
func (b *bench) call(name, qualifier string, j job) said {
	b.t.Helper()
	out := b.try(name, qualifier, j)
	require.Nil(b.t, out.FunctionError, "%s", out.Payload)
	var s said
	require.NoError(b.t, json.Unmarshal(out.Payload, &s))
	return s
}

func (b *bench) try(name, qualifier string, j job) *sdk.InvokeOutput {
	b.t.Helper()
	in := &sdk.InvokeInput{FunctionName: &name, Payload: encode(b.t, j)}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := b.client.Invoke(context.Background(), in)
	require.NoError(b.t, err)
	return out
}

// stat is the counters of one version.
func (b *bench) stat(name, version string) FunctionStats {
	for _, f := range b.Stats().Functions {
		if f.Function == name && f.Version == version {
			return f
		}
	}
	return FunctionStats{}
}

// busy waits until n environments of a function are inside an invocation and returns their pids.
func (b *bench) busy(name string, n int) []int {
	b.t.Helper()
	var pids []int
	require.Eventually(b.t, func() bool {
		pids = pids[:0]
		for _, e := range b.Environments() {
			if e.Function == name && e.Busy {
				pids = append(pids, e.PID)
			}
		}
		return len(pids) == n
	}, eventually, tick, "%d busy environments of %s", n, name)
	return pids
}

// gate is a file for [job.Until], and what makes it.
func (b *bench) gate() (path string, open func()) {
	path = filepath.Join(b.t.TempDir(), "gate")
	return path, func() { require.NoError(b.t, os.WriteFile(path, nil, 0o600)) }
}

// printed waits until a line was logged n times: lines come by a pipe, beside the answer.
func (b *bench) printed(line string, n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return strings.Count(b.output.String(), line+"\n") == n }, eventually, tick, "%d of %q", n, line)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func parseFailure(t testing.TB, payload []byte) failure {
	t.Helper()
	var f failure
	require.NoError(t, json.Unmarshal(payload, &f), "%s", payload)
	return f
}

// alive says whether a process exists and is no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
