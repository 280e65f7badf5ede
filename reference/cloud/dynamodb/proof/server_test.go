package proof

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/lifeline"
)

// serveVariable makes the test binary a server of the folder it names; brokenVariable names what
// is broken in it on purpose.
const (
	serveVariable  = "STAMPEDE_PROOF_SERVE"
	brokenVariable = "STAMPEDE_PROOF_BROKEN"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		fmt.Fprintln(os.Stderr, serve(dir, os.Getenv(brokenVariable)))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// long says whether the proof is to be made at length.
func long() bool { return os.Getenv("STAMPEDE_PROOF") == "long" }

// times is how often something is done, in the short form and at length.
func times(short, atLength int) int {
	if long() {
		return atLength
	}
	return short
}

// serve serves DynamoDB until the process is killed, after it printed its address.
func serve(dir, broken string) error {
	if err := lifeline.Watch(nil); err != nil {
		return err
	}
	off := dynamodb.NoLimits()
	o := dynamodb.Options{Dir: dir, Limits: &off, MemTable: 1 << 20}
	switch broken {
	case "late log":
		o.FS = lateLog{vfs.Default}
	case "dies when full":
		o.FS = fatalFull{vfs.Default}
	}
	s, err := dynamodb.Open(o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &wire.Server{HTTP: &http.Server{Handler: mux(s, broken), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}}
	if broken == "" {
		server.Direct = []string{"DynamoDB_"} // as in the real program
	}
	return server.Serve(listener)
}

// mux is the wire before a service, with a lie in between if one is named.
func mux(s *dynamodb.Service, broken string) http.Handler {
	m := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	m.Handle("dynamodb", dynamodb.MaxBody, lie(s, broken))
	if broken == "trusted lengths" {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > 1<<20 {
				body := bytes.Repeat([]byte{1}, int(r.ContentLength)/16) // even a part of it is too much
				_, _ = io.ReadFull(r.Body, body)
			}
			m.ServeHTTP(w, r)
		})
	}
	return m
}

// lateLog is a file system that keeps what is written to the log to itself for a while, but for
// the first 2 KB, where tables are made, and says that it is synced.
type lateLog struct{ vfs.FS }

func (f lateLog) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if category == "pebble-wal" && err == nil {
		return &lateFile{File: file}, nil
	}
	return file, err
}

type lateFile struct {
	vfs.File
	kept    []byte
	written int
}

func (f *lateFile) Write(p []byte) (int, error) {
	f.written += len(p)
	if f.kept = append(f.kept, p...); len(f.kept) > 16<<10 || f.written < 2<<10 {
		if _, err := f.File.Write(f.kept); err != nil {
			return 0, err
		}
		f.kept = f.kept[:0]
	}
	return len(p), nil
}

func (f *lateFile) Sync() error     { return nil }
func (f *lateFile) SyncData() error { return nil }

// fatalFull ends the process where a file cannot be written.
type fatalFull struct{ vfs.FS }

func (f fatalFull) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if err != nil {
		os.Exit(1)
	}
	return fatalFile{file}, nil
}

type fatalFile struct{ vfs.File }

func (f fatalFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if err != nil {
		os.Exit(1)
	}
	return n, err
}

// process is a server that can be killed.
type process struct {
	*exec.Cmd
	out  *bufio.Reader
	keep *os.File
	url  string
}

// launch starts a server of a folder: the program that STAMPEDE_BIN names, or else this one.
func launch(t testing.TB, dir, broken string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"="+dir, brokenVariable+"="+broken)
	if bin := os.Getenv("STAMPEDE_BIN"); bin != "" && broken == "" {
		cmd = exec.Command(bin, "cloud", "--services", "dynamodb", "--limits", "off", "--listen", "127.0.0.1:0", "--data-dir", dir)
	}
	childEnd, keep, err := lifeline.New() // no server outlives a test that was killed
	require.NoError(t, err)
	cmd.ExtraFiles, cmd.Env = []*os.File{childEnd}, append(cmd.Environ(), lifeline.Env+"=3")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.NoError(t, childEnd.Close())
	p := &process{Cmd: cmd, out: bufio.NewReader(out), keep: keep}
	t.Cleanup(p.kill)
	return p
}

// start starts a server and waits until it serves.
func start(t testing.TB, dir, broken string) *process {
	t.Helper()
	p := launch(t, dir, broken)
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.kill()
		require.NoError(t, err, "the server did not start")
	}
	p.url = strings.TrimSpace(line)
	return p
}

// kill ends the process as kill -9 does, and waits until it is gone.
func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
	_ = p.keep.Close()
}

// client is an unmodified SDK client that does not repeat: a test sees what the service says.
func client(t testing.TB, url string) *ddb.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return ddb.New(ddb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: transport, Timeout: 30 * time.Second},
	})
}
