package truth

import (
	"bufio"
	"bytes"
	"context"
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
func Installed(ctx context.Context) []Tool {
	var out []Tool
	for _, t := range []struct {
		name    string
		version []string
		run     func(context.Context, Load) ([]time.Duration, error)
	}{
		{"vegeta", []string{"-version"}, vegetaCLI},
		{"k6", []string{"version"}, k6CLI},
		{"fortio", []string{"version"}, fortioCLI},
	} {
		if _, err := exec.LookPath(t.name); err != nil {
			continue
		}
		text, _ := exec.CommandContext(ctx, t.name, t.version...).Output()
		version := strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0])
		out = append(out, Tool{Name: t.name, Version: version, Even: true, Run: t.run})
	}
	return out
}

// output runs a tool and returns what it prints.
func output(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Stdin = bytes.NewReader(stdin)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	text, err := c.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, lines[len(lines)-1])
	}
	return text, nil
}

// vegetaCLI reads vegeta's single results, since its report has no p99.9.
func vegetaCLI(ctx context.Context, l Load) ([]time.Duration, error) {
	results, err := output(ctx, []byte("GET "+l.URL+"/\n"), "vegeta", "attack", "-rate", strconv.Itoa(l.Rate), "-duration", l.For.String(),
		"-timeout", l.Timeout.String(), "-workers", "50", "-max-workers", "50")
	if err != nil {
		return nil, err
	}
	lines, err := output(ctx, results, "vegeta", "encode", "-to", "json")
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

func k6CLI(ctx context.Context, l Load) ([]time.Duration, error) {
	dir, err := os.MkdirTemp("", "stampede-k6-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	script, summary := filepath.Join(dir, "script.js"), filepath.Join(dir, "summary.json")
	if err := os.WriteFile(script, fmt.Appendf(nil, k6Script, l.Rate, l.For, l.URL, l.Timeout), 0o600); err != nil {
		return nil, err
	}
	if _, err := output(ctx, nil, "k6", "run", "--quiet", "--no-usage-report", "--summary-trend-stats", "p(50),p(90),p(99),p(99.9),max",
		"--summary-export", summary, script); err != nil {
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

func fortioCLI(ctx context.Context, l Load) ([]time.Duration, error) {
	text, err := output(ctx, nil, "fortio", "load", "-quiet", "-qps", strconv.Itoa(l.Rate), "-t", l.For.String(), "-c", "50",
		"-timeout", l.Timeout.String(), "-p", "50,90,99,99.9,100", "-r", "0.0001", "-allow-initial-errors", "-json", "-", l.URL+"/")
	if err != nil {
		return nil, err
	}
	var s struct {
		DurationHistogram struct {
			Percentiles []struct{ Percentile, Value float64 }
		}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("fortio result: %w", err)
	}
	if len(s.DurationHistogram.Percentiles) != len(Quantiles) {
		return nil, errors.New("fortio result: not the percentiles that were asked for")
	}
	out := make([]time.Duration, len(Quantiles))
	for i, p := range s.DurationHistogram.Percentiles {
		out[i] = time.Duration(p.Value * float64(time.Second))
	}
	return out, nil
}
