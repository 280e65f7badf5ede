package fit

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/model"
)

// maxPerSecond bounds a count: more is a typing mistake.
const maxPerSecond = 1_000_000_000

// ReadRates reads a trace of counts, one a second, one a line. The error names the line at fault.
func ReadRates(r io.Reader) ([]int64, error) {
	var out []int64
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		n, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64)
		if err != nil || n < 0 || n > maxPerSecond {
			return nil, fmt.Errorf("line %d: %q: want a whole number, 0 to %d", len(out)+1, lines.Text(), maxPerSecond)
		}
		out = append(out, n)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(out)+1, err)
	}
	return out, nil
}

// windows are the scales at which traffic is told.
var windows = []struct {
	name    string
	seconds int
}{{"1s", 1}, {"10s", 10}, {"1m", 60}, {"10m", 600}, {"1h", 3600}}

// Traffic fits how requests spread over time to counts a second from begin on.
func Traffic(counts []int64, begin time.Time) (model.Traffic, error) {
	const day = 24 * 3600
	if len(counts) < 7*day {
		return model.Traffic{}, fmt.Errorf("fit traffic to %d seconds: want at least a week", len(counts))
	}
	var t model.Traffic
	var seen [7]float64 // how often each day of the week lies in the trace
	total := 0.0
	for i, n := range counts {
		at := begin.Add(time.Duration(i) * time.Second)
		weekday := (int(at.Weekday()) + 6) % 7
		t.Hours[at.Hour()] += float64(n)
		t.Days[weekday] += float64(n)
		seen[weekday] += 1.0 / day
		total += float64(n)
	}
	if total == 0 {
		return model.Traffic{}, fmt.Errorf("fit traffic to %d seconds: not one request", len(counts))
	}
	sum := 0.0
	for i := range t.Days {
		t.Days[i] /= seen[i]
		sum += t.Days[i]
	}
	for i := range t.Days {
		t.Days[i] = round(t.Days[i]/sum, 4)
	}
	for i := range t.Hours {
		t.Hours[i] = round(t.Hours[i]/total, 4)
	}
	for _, w := range windows {
		var n, sum, quadrate, most float64
		for window := range slices.Chunk(counts, w.seconds) {
			if len(window) < w.seconds {
				break
			}
			in := 0.0
			for _, c := range window {
				in += float64(c)
			}
			n, sum, quadrate, most = n+1, sum+in, quadrate+in*in, max(most, in)
		}
		mean := sum / n
		t.Dispersion = append(t.Dispersion, model.Scale{Window: w.name, Value: round((quadrate/n-mean*mean)/mean, 2)})
		t.Peaks = append(t.Peaks, model.Scale{Window: w.name, Value: round(most/mean, 2)})
	}
	return t, nil
}
