package truth

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Installed are the other tools that are on the PATH: vegeta, k6 and fortio, each asked for an
// even rate with the 50 connections or users that their examples use.
func Installed() []Tool {
	var out []Tool
	for _, t := range []Tool{
		{Name: "vegeta", Run: vegetaCLI, command: vegetaCommand},
		{Name: "k6", Run: k6CLI, command: k6Command},
		{Name: "fortio", Run: fortioCLI, command: fortioCommand},
	} {
		path, err := exec.LookPath(t.Name)
		if err != nil {
			continue
		}
		if built, err := buildinfo.ReadFile(path); err == nil { // all three are written in Go
			t.Version = built.Main.Version
		}
		t.Even = true
		out = append(out, t)
	}
	return out
}

// command is how a tool is run.
type command struct {
	args  []string // the tool's name first
	stdin string
}

// output runs a tool and returns what it prints.
func (c command) output(ctx context.Context, more ...string) ([]byte, error) {
	text, _, err := c.run(ctx, more...)
	return text, err
}

// run says what CPU the tool used, too.
func (c command) run(ctx context.Context, more ...string) ([]byte, time.Duration, error) {
	cmd := exec.CommandContext(ctx, c.args[0], append(c.args[1:len(c.args):len(c.args)], more...)...) // #nosec G204: a tool asked for
	cmd.Stdin = strings.NewReader(c.stdin)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return nil, 0, fmt.Errorf("%s %s: %w: %s", c.args[0], c.args[1], err, lines[len(lines)-1])
	}
	return text, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

func vegetaCommand(l Load) command {
	return command{stdin: "GET " + l.URL + "/\n", args: []string{"vegeta", "attack", "-rate", strconv.Itoa(l.Rate), "-duration", l.For.String(),
		"-timeout", l.Timeout.String(), "-workers", "50", "-max-workers", "50"}}
}

// vegetaCLI reads vegeta's single results, since its report has no p99.9.
func vegetaCLI(ctx context.Context, l Load) ([]time.Duration, error) {
	results, err := vegetaCommand(l).output(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := command{stdin: string(results), args: []string{"vegeta", "encode", "-to", "json"}}.output(ctx)
	if err != nil {
		return nil, err
	}
	said := &stat.Histogram{}
	scanner := bufio.NewScanner(bytes.NewReader(lines))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var one struct {
			Latency time.Duration `json:"latency"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("vegeta encode: %w", err)
		}
		said.Record(one.Latency)
	}
	return quantiles(said), scanner.Err()
}

const k6Script = `import http from 'k6/http';
export const options = { discardResponseBodies: true, scenarios: { open: {
  executor: 'constant-arrival-rate', rate: %d, timeUnit: '1s', duration: '%s', preAllocatedVUs: 50, maxVUs: 50 } } };
export default function () { http.get('%s/', { timeout: '%s' }); }
`

func k6Command(l Load) command {
	return command{stdin: fmt.Sprintf(k6Script, l.Rate, l.For, l.URL, l.Timeout), args: []string{"k6", "run", "--quiet", "--no-usage-report", "-"}}
}

func k6CLI(ctx context.Context, l Load) ([]time.Duration, error) {
	dir, err := os.MkdirTemp("", "stampede-k6-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	summary := filepath.Join(dir, "summary.json")
	if _, err := k6Command(l).output(ctx, "--summary-trend-stats", "p(50),p(90),p(99),p(99.9),max", "--summary-export", summary); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(summary)
	if err != nil {
		return nil, err
	}
	var s struct {
		Metrics struct {
			Duration map[string]float64 `json:"http_req_duration"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("k6 summary: %w", err)
	}
	out := make([]time.Duration, len(Quantiles))
	for i, name := range []string{"p(50)", "p(90)", "p(99)", "p(99.9)", "max"} {
		out[i] = time.Duration(s.Metrics.Duration[name] * float64(time.Millisecond))
	}
	return out, nil
}

func fortioCommand(l Load) command {
	return command{args: []string{"fortio", "load", "-quiet", "-qps", strconv.Itoa(l.Rate), "-t", l.For.String(), "-c", "50",
		"-timeout", l.Timeout.String(), "-p", "50,90,99,99.9", "-r", "0.0001", "-allow-initial-errors", "-json", "-", l.URL + "/"}}
}

func fortioCLI(ctx context.Context, l Load) ([]time.Duration, error) {
	text, err := fortioCommand(l).output(ctx)
	if err != nil {
		return nil, err
	}
	var s struct {
		DurationHistogram struct {
			Max         float64
			Percentiles []struct{ Percentile, Value float64 }
		}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("fortio result: %w", err)
	}
	if len(s.DurationHistogram.Percentiles) != len(Quantiles)-1 {
		return nil, errors.New("fortio result: not the percentiles that were asked for")
	}
	out := make([]time.Duration, len(Quantiles))
	for i, p := range s.DurationHistogram.Percentiles {
		out[i] = time.Duration(p.Value * float64(time.Second))
	}
	out[len(out)-1] = time.Duration(s.DurationHistogram.Max * float64(time.Second))
	return out, nil
}
