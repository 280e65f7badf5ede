package selftest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// cpuPath is where the server tells its own user and system time, in nanoseconds.
const cpuPath = "/_selftest/cpu"

// servedPath is where it tells how many requests it has answered, but those about itself.
const servedPath = "/_selftest/served"

// Serve answers every request with 200 and two bytes until ctx ends. It writes its base URL to out
// as a line once it serves.
func Serve(ctx context.Context, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	var served atomic.Int64
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case cpuPath:
			_, _ = io.WriteString(w, strconv.FormatInt(int64(processCPU()), 10))
		case servedPath:
			_, _ = io.WriteString(w, strconv.FormatInt(served.Load(), 10))
		default:
			served.Add(1)
			_, _ = io.WriteString(w, "ok")
		}
	})}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if _, err := fmt.Fprintf(out, "http://%s\n", l.Addr()); err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	if err := s.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("null server: %w", err)
	}
	return nil
}

func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Server is a null server in a process of its own.
type Server struct {
	url string
	cmd *exec.Cmd
}

// Start runs a command that calls [Serve]. The process ends with Close, or with its standard
// input, which ends with this process.
func Start(command []string) (*Server, error) {
	s := &Server{cmd: exec.Command(command[0], command[1:]...)} // #nosec G204: this executable
	if _, err := s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start null server: %w", err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start null server: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start null server: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if s.url = strings.TrimSpace(line); err != nil || !strings.HasPrefix(s.url, "http://") {
		s.Close()
		return nil, fmt.Errorf("start null server: it said %q instead of its address", line)
	}
	return s, nil
}

// URL is its base URL.
func (s *Server) URL() string { return s.url }

// cpu is what the server has used so far.
func (s *Server) cpu(ctx context.Context) (time.Duration, error) {
	n, err := s.ask(ctx, cpuPath)
	return time.Duration(n), err
}

// Served is how many requests it has answered so far.
func (s *Server) Served(ctx context.Context) (int64, error) { return s.ask(ctx, servedPath) }

func (s *Server) ask(ctx context.Context, path string) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, fmt.Errorf("ask null server: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64))
	if err != nil {
		return 0, fmt.Errorf("ask null server: %w", err)
	}
	return strconv.ParseInt(string(text), 10, 64)
}

// Close ends the process.
func (s *Server) Close() {
	_ = s.cmd.Process.Kill() // it holds nothing
	_ = s.cmd.Wait()
}
