package loadtest

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"
)

// columns of the CSV. Counts from good to retries and the latencies are of the requests planned for
// the second; started and ended are of the second itself.
var columns = []string{"second", "planned", "started", "ended", "good", "errors", "dropped", "retries", "p50_ms", "p99_ms", "max_ms"}

// WriteCSV writes one row a second, from the first planned request to the last outcome.
func WriteCSV(w io.Writer, r *Result) error {
	c := csv.NewWriter(w)
	_ = c.Write(columns) // the writer keeps its first error
	for i := range r.Course.Len() {
		s := r.Course.Second(i)
		row := []string{strconv.Itoa(i)}
		for _, n := range []int64{s.Planned, s.Started, s.Ended, s.Good, s.Errors(), s.Dropped, s.Retries} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		for _, d := range []time.Duration{s.P50, s.P99, s.Max} {
			cell := ""
			if s.Planned > 0 {
				cell = strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 3, 64)
			}
			row = append(row, cell)
		}
		_ = c.Write(row)
	}
	if c.Flush(); c.Error() != nil {
		return fmt.Errorf("write CSV: %w", c.Error())
	}
	return nil
}
