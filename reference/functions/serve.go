package functions

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/retailflow/stampede/reference/lifeline"
)

// Serve is an execution environment's program: it makes the handler that _HANDLER names and
// takes invocations from the Runtime API until the process is ended. It returns only an error
// that came before that.
func Serve(handlers []Handler, getenv func(string) string, logTo io.Writer) error {
	if err := lifeline.Watch(nil); err != nil {
		return err
	}
	handler, err := load(handlers, getenv, logTo)
	if err != nil {
		return err
	}
	lambda.Start(handler)
	return nil
}

func load(handlers []Handler, getenv func(string) string, logTo io.Writer) (lambda.Handler, error) {
	env, err := ReadEnvironment(getenv)
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	fit(env, getenv)
	i := slices.IndexFunc(handlers, func(h Handler) bool { return h.Name == env.Function })
	if i < 0 {
		names := make([]string, len(handlers))
		for i, h := range handlers {
			names[i] = h.Name
		}
		return nil, fmt.Errorf("_HANDLER %q: no such function, have %v", env.Function, names)
	}
	log := slog.New(slog.NewJSONHandler(logTo, &slog.HandlerOptions{Level: env.LogLevel})).With("function", env.Function)
	handler, err := handlers[i].New(NewPlatform(env, log))
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", env.Function, err)
	}
	return handler, nil
}

// mbPerCPU is the memory at which Lambda gives a function one whole CPU
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const mbPerCPU = 1769

// fit gives the runtime as many threads as the function has CPUs, since a second one only
// steals from the first (a PutRecordBatch of the SDK then takes half the CPU), and lets it use
// the memory that is paid for. GOMAXPROCS, GOGC and GOMEMLIMIT, where set, are left alone.
func fit(env Environment, getenv func(string) string) {
	if getenv("GOMAXPROCS") == "" && env.MemoryMB > 0 {
		runtime.GOMAXPROCS(max(1, min(runtime.NumCPU(), env.MemoryMB/mbPerCPU)))
	}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if getenv("GOMEMLIMIT") == "" && env.MemoryMB > 0 {
		debug.SetMemoryLimit(int64(env.MemoryMB) << 20 / 10 * 8)
	}
}
