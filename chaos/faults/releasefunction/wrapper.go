package releasefunction

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/reference/lifeline"
)

const runtimeEnv = "AWS_LAMBDA_RUNTIME_API"

// Exit codes of Wrap itself, as a shell uses them.
const (
	exitUsage   = 2
	exitNoStart = 127
	exitSignal  = 128 // plus the signal's number
)

// Wrap runs the command args (the function's bootstrap) behind a proxy of the Runtime API that
// adds the defect of env's STAMPEDE_DEFECT, and returns the command's exit code. It is the main
// function of a process that Lambda has started as a version's AWS_LAMBDA_EXEC_WRAPPER, and ends
// the process when Lambda is gone.
func Wrap(args, env []string) int {
	code, err := wrap(args, env)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: runtime wrapper:", err)
	}
	return code
}

func wrap(args, env []string) (int, error) {
	upstream, _ := lookup(env, runtimeEnv)
	text, _ := lookup(env, DefectEnv)
	switch {
	case len(args) == 0:
		return exitUsage, errors.New("no command to run")
	case upstream == "":
		return exitUsage, fmt.Errorf("%s is not set: this is no Lambda environment", runtimeEnv)
	}
	defect, err := fault.ParseDefect(text)
	if err != nil {
		return exitUsage, fmt.Errorf("%s: %w", DefectEnv, err)
	}
	// When Lambda is gone this process ends, and the function with it: by the kernel's signal
	// where there is one, else by the end of its own lifeline.
	if err := lifeline.Watch(nil); err != nil {
		return exitNoStart, err
	}
	childEnd, keep, err := lifeline.New()
	if err != nil {
		return exitNoStart, err
	}
	defer childEnd.Close()
	defer keep.Close()

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return exitNoStart, fmt.Errorf("listen for the function: %w", err)
	}
	proxy := newProxy(upstream, defect)
	server := &http.Server{Handler: proxy}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends by Close
	}()
	defer func() {
		_ = server.Close()
		<-served
		proxy.close()
	}()

	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(without(env, runtimeEnv, wrapperEnv), runtimeEnv+"="+listener.Addr().String())
	lifeline.Attach(cmd, childEnd)
	cmd.SysProcAttr.Setpgid = false // Lambda kills the group: both belong to it
	spawner := lifeline.NewSpawner()
	defer spawner.Close()
	if err := spawner.Start(cmd); err != nil {
		return exitNoStart, err
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return exitNoStart, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

func lookup(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- { // the last one counts
		if value, ok := strings.CutPrefix(env[i], name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func without(env []string, names ...string) []string {
	var kept []string
next:
	for _, kv := range env {
		for _, name := range names {
			if strings.HasPrefix(kv, name+"=") {
				continue next
			}
		}
		kept = append(kept, kv)
	}
	return kept
}
