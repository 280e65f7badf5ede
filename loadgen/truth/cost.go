package truth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// CostOptions are those of [MeasureCosts].
type CostOptions struct {
	Server string                               // base URL of a server that answers at once, in a process of its own
	Served func(context.Context) (int64, error) // how many requests it has answered so far
	Self   []string                             // this generator's command: it is run as the others are
	Tools  []Tool                               // others, of [Installed]
	Rates  []int                                // requests/s; none: 2000 and 5000
	Runs   int                                  // of which medians are taken; 0 means 5
	For    time.Duration                        // of each run; 0 means 5 s
	Done   func(Cost)                           // called after each run with that run's cost; may be nil
}

// Cost is what a request costs a tool.
type Cost struct {
	Tool Tool
	Rate int
	CPU  time.Duration // of an answered request: user and system time of the tool's process, its start included
	Sent float64       // of what was asked for; in a table of the last run
	Err  error         // the tool could not be run
}

// MeasureCosts runs the tools in turn, so that what else the machine does is shared by them. The
// first of each rate is this generator. The error is the server's or ctx's; a tool that fails has a line that says so.
func MeasureCosts(ctx context.Context, o CostOptions) ([]Cost, error) {
	if len(o.Rates) == 0 {
		o.Rates = []int{2000, 5000}
	}
	o.Runs, o.For = cmp.Or(o.Runs, 5), cmp.Or(o.For, 5*time.Second)
	if o.Done == nil {
		o.Done = func(Cost) {}
	}
	self := Tool{Name: "stampede", command: func(l Load) command {
		return command{args: append(o.Self[:len(o.Self):len(o.Self)], "load", "--quiet", "--max-lag", "1h", "--target", l.URL+"/",
			"--rate", fmt.Sprint(l.Rate), "--duration", l.For.String(), "--timeout", l.Timeout.String())}
	}}
	tools := append([]Tool{self}, o.Tools...)
	var table []Cost
	for _, rate := range o.Rates {
		l := Load{URL: o.Server, Rate: rate, For: o.For, Timeout: 3 * time.Second}
		costs := make([]Cost, len(tools))
		runs := make([][]time.Duration, len(tools))
		for range o.Runs {
			for i, tool := range tools {
				one := Cost{Tool: tool, Rate: rate}
				before, err := o.Served(ctx)
				if err != nil {
					return table, err
				}
				_, cpu, toolErr := tool.command(l).run(ctx)
				after, err := o.Served(ctx)
				if err != nil {
					return table, err
				}
				if n := after - before; toolErr == nil && n > 0 {
					one.CPU, one.Sent = cpu/time.Duration(n), float64(n)/(float64(rate)*o.For.Seconds())
					runs[i] = append(runs[i], one.CPU)
				} else if one.Err = toolErr; toolErr == nil {
					one.Err = errors.New("it sent nothing")
				}
				costs[i] = one
				o.Done(one)
			}
		}
		for i, of := range runs {
			if slices.Sort(of); len(of) > 0 {
				costs[i].CPU, costs[i].Err = of[len(of)/2], nil
			}
		}
		table = append(table, costs...)
	}
	return table, nil
}

// WriteCosts writes costs in Markdown, each beside this generator's at the same rate.
func WriteCosts(w io.Writer, costs []Cost) error {
	var b strings.Builder
	b.WriteString("| tool | rate | sent of it | CPU of a request | of stampede's |\n|---|--:|--:|--:|--:|\n")
	own := map[int]time.Duration{}
	for _, c := range costs {
		if _, seen := own[c.Rate]; !seen {
			own[c.Rate] = c.CPU
		}
		fmt.Fprintf(&b, "| %s | %d/s |", strings.TrimSpace(c.Tool.Name+" "+c.Tool.Version), c.Rate)
		if c.Err != nil {
			fmt.Fprintf(&b, " %s | | |\n", strings.ReplaceAll(c.Err.Error(), "|", "/"))
			continue
		}
		share := "-"
		if of := own[c.Rate]; of > 0 {
			share = fmt.Sprintf("%.2f times", float64(c.CPU)/float64(of))
		}
		fmt.Fprintf(&b, " %.0f %% | %d µs | %s |\n", 100*c.Sent, c.CPU.Microseconds(), share)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
