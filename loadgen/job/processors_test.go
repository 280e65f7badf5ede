package job_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
)

func TestAProcessThatIsAloneTakesOneProcessorIfThatIsEnough(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	old := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(old)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	for _, c := range []struct {
		name  string
		alone bool
		set   string
		phase string
		share float64
		want  int
	}{
		{"alone", true, "", "constant 200 for 20ms", 0, 1},
		{"with others", false, "", "constant 200 for 20ms", 0, 3},
		{"told otherwise", true, "3", "constant 200 for 20ms", 0, 3},
		{"a high rate", true, "", "constant 100000 for 1ms", 0, 3},
		{"a high peak", true, "", "ramp 1 to 20000 for 2ms", 0, 3},
		{"every body is read", true, "", "constant 200 for 20ms", 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", c.set)
			saw := 0
			_, err := job.Run(t.Context(), job.Job{Seed: 1, Target: s.URL, Requests: []job.Request{{Path: "/"}}, Arrivals: job.Even,
				Phases: []string{c.phase}, Timeout: time.Minute, Check: job.Check{Share: c.share}},
				job.Options{Alone: c.alone, OnOutcome: func(*measure.Outcome) { saw = runtime.GOMAXPROCS(0) }})
			require.NoError(t, err)
			require.Equal(t, c.want, saw)
			require.Equal(t, 3, runtime.GOMAXPROCS(0), "given back")
		})
	}
}
