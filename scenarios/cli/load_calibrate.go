package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/truth"
	"github.com/retailflow/stampede/reports"
)

// newCalibrationServer is the server that `load --calibrate` holds load generators against. It
// ends with its standard input, which its parent holds open.
func newCalibrationServer(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:    "calibration-server",
		Short:  "Misbehave on a schedule, for load --calibrate",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := truth.Serve("127.0.0.1:0")
			if err != nil {
				return err
			}
			fmt.Fprintln(t.stdout, s.Address())
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				close(ended)
			}()
			select {
			case <-ended:
			case <-cmd.Context().Done():
			}
			return s.Close()
		},
	}
}

// calibration is what `load --calibrate` was asked for.
type calibration struct {
	rates []int
	runs  int
	each  time.Duration
	other int // runs of every other tool; 0: none
	seed  uint64
}

// others are the tools that this project's generator is compared with.
func (c calibration) others() []truth.Tool {
	if c.other == 0 {
		return nil
	}
	tools := append([]truth.Tool{truth.Own("stampede, through vegeta's library", attack.Vegeta)}, truth.Installed()...)
	for i := range tools {
		tools[i].Runs = c.other
	}
	return tools
}

// calibrate prints the truth table of this project's generator and of others that are installed.
// It fails if ours says what is not true.
func calibrate(ctx context.Context, t *terminal, c calibration) error {
	address, stop, err := startCalibrationServer(ctx)
	if err != nil {
		return err
	}
	defer stop()
	own := truth.Own("stampede", attack.Direct)
	o := truth.Options{
		Server: "http://" + address, Tools: append([]truth.Tool{own}, c.others()...), Rates: c.rates, Runs: c.runs, For: c.each, Seed: c.seed,
		Done: func(l truth.Line) {
			fmt.Fprintf(t.stderr, "%s at %d/s, %s: %s\n", l.Tool.Name, l.Rate, l.Row, truth.Worst([]truth.Line{l}))
		},
	}
	loads := (c.runs + (len(o.Tools)-1)*c.other) * len(c.rates) * len(truth.Rows())
	fmt.Fprintf(t.stderr, "%d tools at %v requests/s, %d rows: %d loads of %s each, about %s\n", len(o.Tools), c.rates, len(truth.Rows()), loads, c.each,
		reports.FormatDuration(time.Duration(loads)*(c.each+time.Second)))
	lines, err := truth.Calibrate(ctx, o)
	if tableErr := truth.WriteTable(t.stdout, lines); tableErr != nil {
		return tableErr
	}
	if err != nil {
		return err
	}
	var ours []truth.Line
	for _, l := range lines {
		if l.Tool.Name == own.Name {
			ours = append(ours, l)
		}
	}
	switch truth.Worst(ours) {
	case truth.Untrue:
		return &exitError{code: reports.VerdictFail.ExitCode(), err: fmt.Errorf("what this generator said is not true on this machine; see UNTRUE above")}
	case truth.Invalid:
		return &exitError{code: reports.VerdictInvalid.ExitCode(), err: fmt.Errorf("this machine is too busy or too slow to tell: the run without trouble was off already")}
	case truth.True, truth.Skipped:
	}
	return nil
}

// startCalibrationServer starts this program once more, as the server.
func startCalibrationServer(ctx context.Context) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	c := exec.CommandContext(ctx, self, "calibration-server")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, fmt.Errorf("start the calibration server: %w", err)
	}
	stop = func() {
		_ = in.Close()
		_ = c.Wait() // it says on stderr what it has to say
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("start the calibration server: it ended before it listened: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}
