package truth

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Row is one schedule of the table. Times of episodes are shares of the load's length.
type Row struct {
	Name     string
	Schedule func(length time.Duration) Schedule
}

// Rows are what a generator is held against: the first has no trouble and gives the floor.
func Rows() []Row {
	one := func(t Trouble, by time.Duration, span time.Duration) func(time.Duration) Schedule {
		return func(length time.Duration) Schedule {
			return Schedule{Base: time.Millisecond, Episodes: []Episode{{Trouble: t, From: length * 3 / 10, To: length*3/10 + span, By: by}}}
		}
	}
	return []Row{
		{"no trouble", func(time.Duration) Schedule { return Schedule{Base: time.Millisecond} }},
		{"stall of 1 s", one(Stall, 0, time.Second)},
		{"five stalls of 100 ms", func(length time.Duration) Schedule {
			s := Schedule{Base: time.Millisecond}
			for i := range 5 {
				from := length * time.Duration(i+2) / 10
				s.Episodes = append(s.Episodes, Episode{Trouble: Stall, From: from, To: from + 100*time.Millisecond})
			}
			return s
		}},
		{"1 s slower by 50 ms", one(Slow, 50*time.Millisecond, time.Second)},
		{"jitter of 20 ms", func(length time.Duration) Schedule {
			return Schedule{Base: time.Millisecond, Episodes: []Episode{{Trouble: Jitter, To: length + time.Minute, By: 20 * time.Millisecond}}}
		}},
		{"errors for 300 ms", one(Errors, 0, 300*time.Millisecond)},
		{"resets for 300 ms", one(Reset, 0, 300*time.Millisecond)},
		{"refusals for 300 ms", one(Refuse, 0, 300*time.Millisecond)},
	}
}

// Options of [Calibrate].
type Options struct {
	Server  string // base URL of a [Server]
	Tools   []Tool
	Rates   []int         // requests/s; none: 1000 and 5000
	Rows    []Row         // none: [Rows]
	Runs    int           // of which medians are taken; 0 means 5
	For     time.Duration // of each run; 0 means 4 s
	Timeout time.Duration // of a request; 0 means 3 s
	Seed    uint64
	Done    func(Line) // called with each line of the table; may be nil
}

// Line is a row of the table: a tool at a rate on a schedule.
type Line struct {
	Tool  Tool
	Rate  int
	Row   string
	Cells []Cell // by [Quantiles]
	Err   error  // the tool could not be run; then there are no cells
}

// Calibrate holds tools against the rows. It sends load to Options.Server and nowhere else. The
// error is the server's or ctx's; a tool that fails has a line that says so.
func Calibrate(ctx context.Context, o Options) ([]Line, error) {
	if len(o.Rates) == 0 {
		o.Rates = []int{1000, 5000}
	}
	if len(o.Rows) == 0 {
		o.Rows = Rows()
	}
	if o.Runs == 0 {
		o.Runs = 5
	}
	if o.For == 0 {
		o.For = 4 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	var table []Line
	for _, rate := range o.Rates {
		for _, tool := range o.Tools {
			var floor []Cell
			for i, row := range o.Rows {
				line := Line{Tool: tool, Rate: rate, Row: row.Name}
				schedule := row.Schedule(o.For)
				pairs, toolErr, err := o.runs(ctx, tool, rate, schedule)
				switch {
				case err != nil:
					return table, err
				case toolErr != nil:
					line.Err = toolErr
				default:
					line.Cells = judge(pairs, schedule, floor)
				}
				if i == 0 {
					floor = line.Cells
				}
				table = append(table, line)
				if o.Done != nil {
					o.Done(line)
				}
			}
		}
	}
	return table, nil
}

func (o Options) runs(ctx context.Context, tool Tool, rate int, schedule Schedule) (pairs []pair, toolErr, err error) {
	for run := range cmp.Or(tool.Runs, o.Runs) {
		l := Load{URL: o.Server, Rate: rate, For: o.For, Timeout: o.Timeout, Seed: o.Seed + uint64(run)}
		planned, _, err := l.plan(tool.Even)
		if err != nil {
			return nil, nil, err
		}
		b := begin{Schedule: schedule}
		if !tool.Even {
			l.Start = time.Now().Add(300 * time.Millisecond)
			b.Start = l.Start.UnixNano()
		}
		if err := o.post(ctx, b); err != nil {
			return nil, nil, err
		}
		said, toolErr := tool.Run(ctx, l)
		log, err := o.log(ctx)
		if err != nil || toolErr != nil {
			return nil, toolErr, err
		}
		pairs = append(pairs, pair{said: said, truth: quantiles(Ideal(schedule, planned, log, o.Timeout))})
	}
	return pairs, nil, nil
}

func (o Options) post(ctx context.Context, b begin) error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = call(ctx, http.MethodPost, o.Server+"/_start", body)
	return err
}

func (o Options) log(ctx context.Context) (log []Logged, err error) {
	body, err := call(ctx, http.MethodGet, o.Server+"/_log", nil)
	if err == nil {
		err = json.Unmarshal(body, &log)
	}
	return log, err
}

func call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Close = true // no connection of the calibration's own is left to be cut
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("calibration server: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("calibration server: %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return text, err
}
