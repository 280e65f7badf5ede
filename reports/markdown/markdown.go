// Package markdown writes a result as summary.md: what a pull request or a CI page should show of
// a run on one screen. Entry point: [Write]. It starts no goroutine and opens no file.
package markdown

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/retailflow/stampede/reports"
)

// Write writes the summary, GitHub-flavoured.
func Write(w io.Writer, r *reports.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s · %s\n\n", r.Verdict, text(r.Scenario.Name))
	if r.Interrupted != "" {
		fmt.Fprintf(&b, "**Interrupted:** %s\n\n", text(r.Interrupted))
	}
	for _, sentence := range r.Proved {
		fmt.Fprintf(&b, "- %s\n", text(sentence))
	}
	b.WriteString("\n")
	headline(&b, r)
	checks(&b, r)
	latency(&b, r)
	faults(&b, r)
	rollouts(&b, r)
	fmt.Fprintf(&b, "\nRepeat it:\n\n```sh\n%s\n```\n\n", strings.ReplaceAll(r.Scenario.Command, "```", "'''"))
	fmt.Fprintf(&b, "Seed %d · %s, %d cores, %s, %s · %s to %s\n", r.Scenario.Seed, text(r.Environment.CPU), r.Environment.Cores,
		reports.Bytes(r.Environment.MemoryBytes), text(r.Environment.Go), r.Started.UTC().Format("2006-01-02 15:04:05"), r.Ended.UTC().Format("15:04:05 MST"))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

func headline(b *strings.Builder, r *reports.Result) {
	b.WriteString("| | |\n|---|---|\n")
	if h := r.HighestRate; h != nil {
		fmt.Fprintf(b, "| highest rate held | %s events/s (%s requests/s) for %s%s |\n", reports.Rate(h.EventsPerSecond), reports.Rate(h.RequestsPerSecond), h.For, text(prefixed("; ", h.Qualifier)))
	} else {
		b.WriteString("| highest rate held | none |\n")
	}
	if l := r.FirstLimit; l != nil {
		fmt.Fprintf(b, "| first limit hit | %s, at %s |\n", text(l.What), l.At)
	} else {
		b.WriteString("| first limit hit | none |\n")
	}
	if pace := r.Load.Pace(); pace != "" {
		fmt.Fprintf(b, "| speed | %s |\n", text(pace))
	}
	fmt.Fprintf(b, "| requests | %s planned, %s unsent |\n", reports.Count(r.Load.Planned), reports.Count(r.Load.Unsent))
	fmt.Fprintf(b, "| events | %s accepted; %s lost, %s doubled, %s phantom, %s parked |\n", reports.Count(r.Ledger.Acked), reports.Count(r.Ledger.Lost),
		reports.Count(r.Ledger.Doubled), reports.Count(r.Ledger.Phantom), reports.Count(r.Ledger.Parked))
	if o := r.OtherLoad; o != nil {
		fmt.Fprintf(b, "| other load | %s |\n", text(o.String()))
	}
	if len(r.HostLimited) > 0 {
		fmt.Fprintf(b, "| HOST-LIMITED | %d intervals: %s |\n", len(r.HostLimited), text(r.HostLimited[0].Reason))
	}
}

func checks(b *strings.Builder, r *reports.Result) {
	b.WriteString("\n## Checks\n\n| status | check | asked | seen |\n|---|---|---|---|\n")
	for _, g := range reports.GroupsOf(r.Checks) {
		for _, c := range r.Checks {
			if c.Group == g {
				fmt.Fprintf(b, "| %s | %s | %s | %s |\n", c.Status, text(c.Name), text(c.Objective), text(c.Observed))
			}
		}
	}
	for _, c := range r.Checks {
		if c.Status == reports.Pass || c.Detail == "" && len(c.Examples) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n**%s** %s\n", text(c.Name), text(c.Detail))
		for _, e := range c.Examples {
			fmt.Fprintf(b, "- `%s`\n", strings.ReplaceAll(e, "`", "'"))
		}
	}
}

func latency(b *strings.Builder, r *reports.Result) {
	if len(r.Latency) == 0 {
		return
	}
	b.WriteString("\n## Latency from the planned time\n\n| requests | fault windows | planned | p50 | p90 | p99 | p99.9 | max |\n|---|---|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.Latency {
		l := &r.Latency[i]
		kind := l.Kind
		if kind == "" {
			kind = "all"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", text(kind), text(string(l.Part)+prefixed(": ", l.Fault)), reports.Count(l.Planned),
			reports.FormatDuration(l.Response.Quantile(0.5)), reports.FormatDuration(l.Response.Quantile(0.9)), reports.FormatDuration(l.Response.Quantile(0.99)),
			reports.FormatDuration(l.Response.Quantile(0.999)), reports.FormatDuration(l.Response.Max()))
	}
}

func faults(b *strings.Builder, r *reports.Result) {
	if len(r.Faults) == 0 {
		return
	}
	b.WriteString("\n## Faults\n\n| fault | injected | window ends | hits | effect | answers in its window |\n|---|---|---|--:|---|---|\n")
	for _, f := range r.Faults {
		fmt.Fprintf(b, "| %s | %s to %s | %s | %s | %s | %s |\n", text(f.Name), f.Start, f.End, f.WindowEnd, reports.Count(f.Hits), text(f.Effect), f.Told())
	}
}

func rollouts(b *strings.Builder, r *reports.Result) {
	for _, o := range r.Rollouts {
		fmt.Fprintf(b, "\n## Release of %s, %s: %s\n\n", text(o.Function), text(cmp.Or(o.Defect, "healthy")), text(o.Outcome))
		if o.Stopwatch == nil {
			fmt.Fprintf(b, "%s.\n", text(o.Climb()))
			continue
		}
		b.WriteString("| part | took |\n|---|--:|\n")
		for _, p := range o.Stopwatch.Parts {
			fmt.Fprintf(b, "| %s | %s |\n", p.Name, p.Took)
		}
		fmt.Fprintf(b, "| **traffic safe after** | **%s** of %s allowed |\n", o.Stopwatch.Total, o.Stopwatch.Objective)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// text keeps a value from ending its table cell or starting markup of its own.
var escapes = strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`, "_", `\_`, "`", "'", "[", `\[`)

func text(s string) string { return escapes.Replace(s) }
