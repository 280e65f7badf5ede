package lambda

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func selfCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkInvoke reports the CPU time of an invocation, here and in the function's process.
func BenchmarkInvoke(b *testing.B) {
	for _, via := range []string{"gateway", "sdk"} {
		b.Run("via="+via, func(b *testing.B) {
			s := start(b, nil)
			s.create("f", nil)
			payload := encode(b, job{Echo: []byte(`"x"`)})
			s.call("f", "", job{})
			own, theirs := selfCPU(), s.stat("f", "$LATEST").CPUSeconds
			for b.Loop() {
				if via == "sdk" {
					s.call("f", "", job{Echo: []byte(`"x"`)})
					continue
				}
				r, err := s.Invoke(context.Background(), "f", "", payload, nil)
				if err != nil || r.FunctionError != "" {
					b.Fatal(err, string(r.Payload))
				}
			}
			n := float64(b.N)
			b.ReportMetric(float64((selfCPU()-own).Microseconds())/n, "service-cpu-µs/op")
			b.ReportMetric((s.stat("f", "$LATEST").CPUSeconds-theirs)*1e6/n, "function-cpu-µs/op")
			require.EqualValues(b, 1, s.stat("f", "$LATEST").ColdStarts)
		})
	}
}

// BenchmarkColdStart is the time from an invocation without an environment to its answer.
func BenchmarkColdStart(b *testing.B) {
	s := start(b, nil)
	s.create("f", nil)
	exit := 0
	for b.Loop() {
		s.call("f", "", job{})
		b.StopTimer()
		s.try("f", "", job{Exit: &exit})
		b.StartTimer()
	}
}
