package truth

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteTable writes the lines in Markdown: at each quantile what the tool said and the truth, and
// whether that is close enough.
func WriteTable(w io.Writer, lines []Line) error {
	var b strings.Builder
	b.WriteString("| tool | rate | trouble |")
	rule := "|---|--:|---|"
	for _, q := range Quantiles {
		fmt.Fprintf(&b, " %s said / true | |", quantileName(q))
		rule += "--:|---|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | %d/s | %s |", strings.TrimSpace(l.Tool.Name+" "+l.Tool.Version), l.Rate, l.Row)
		if l.Err != nil {
			fmt.Fprintf(&b, " %s |", strings.ReplaceAll(l.Err.Error(), "|", "/"))
		}
		for _, c := range l.Cells {
			fmt.Fprintf(&b, " %s / %s | %s |", short(c.Said), short(c.Truth), c.Verdict)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func quantileName(q float64) string {
	if q == 1 {
		return "max"
	}
	return fmt.Sprintf("p%g", q*100)
}

// short writes a duration in milliseconds to three digits.
func short(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms >= 99.95:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 9.995:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// Worst is the verdict over a tool's lines: Untrue if any cell is or the tool could not be run,
// else Invalid if any is, else True.
func Worst(lines []Line) Verdict {
	worst := True
	for _, l := range lines {
		if l.Err != nil {
			return Untrue
		}
		for _, c := range l.Cells {
			switch c.Verdict {
			case Untrue:
				return Untrue
			case Invalid:
				worst = Invalid
			case True, Skipped:
			}
		}
	}
	return worst
}
