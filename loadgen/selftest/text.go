package selftest

import (
	"fmt"
	"io"
	"time"
)

// WriteText writes the report for a terminal.
func (r Report) WriteText(w io.Writer) error {
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", args...)
		}
	}
	line("clock      steps of %s; a sleep of 1 ms ends %s late (median)", r.Clock, short(r.Sleep))
	line("")
	line("%11s %11s %11s %11s %11s %14s %11s  %s", "requests/s", "sent", "lag p50", "lag p99", "lag max", "CPU generator", "server", "on time")
	for _, part := range [][]Step{r.Steps, r.Search} {
		for _, s := range part {
			word := "yes"
			if !s.OnTime {
				word = "no"
			}
			line("%11.0f %11d %11s %11s %11s %14s %11s  %s", s.Rate, s.Sent, short(s.Lag.P50), short(s.Lag.P99), short(s.Lag.Max), short(s.GeneratorCPU), short(s.ServerCPU), word)
		}
		line("")
	}
	if r.Highest.Rate == 0 {
		line("No rate was held on time: this machine is too busy to be a generator now.")
		return err
	}
	line("This machine, with the target on it, generates %.0f requests/s on time (lag p99 %s).", r.Highest.Rate, short(r.Highest.Lag.P99))
	line("A request costs the generator %s of CPU and the null server %s.", short(r.Highest.GeneratorCPU), short(r.Highest.ServerCPU))
	return err
}

// short keeps three digits.
func short(d time.Duration) string {
	unit := time.Duration(1)
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit).String()
}
