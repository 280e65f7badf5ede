package html

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/reports"
)

// functions are what the template can call.
var functions = template.FuncMap{
	"count":     reports.Count,
	"rate":      reports.Rate,
	"percent":   reports.Percent,
	"bytes":     reports.Bytes,
	"duration":  func(d time.Duration) string { return reports.FormatDuration(d) },
	"class":     class,
	"words":     func(name string) string { return strings.ReplaceAll(name, "-", " ") },
	"groups":    groups,
	"troubles":  troubles,
	"letter":    letter,
	"numbers":   numbers,
	"number":    number,
	"clock":     func(t time.Time) string { return t.UTC().Format("15:04:05.0") },
	"moment":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"took":      func(r *reports.Result) string { return reports.FormatDuration(r.Ended.Sub(r.Started)) },
	"share":     func(part, whole reports.Millis) float64 { return percentage(float64(part), float64(whole)) },
	"bar":       func(s reports.Stage, all []reports.Stage) float64 { return percentage(s.MicrosEvent, widest(all)) },
	"budget":    func(s reports.Stage, micros float64) string { return reports.Percent(s.MicrosEvent / micros) },
	"total":     total,
	"overall":   overall,
	"endpoints": endpoints,
	"missing":   func(c reports.Comparison) int64 { return c.Compared - c.Equal },
	"ladder":    ladder,
	"minus":     func(a, b int64) int64 { return a - b },
	"ratio":     func(part, whole int64) float64 { return float64(part) / float64(max(whole, 1)) },
	"heap":      func(n uint64) string { return reports.Bytes(int64(n)) },
}

// class is the style of a status or verdict.
func class(status any) string { return strings.ToLower(fmt.Sprint(status)) }

// group is a titled part of the table of checks.
type group struct {
	Title  string
	Checks []reports.Check
}

func groups(checks []reports.Check) []group {
	var all []group
	for _, name := range reports.GroupsOf(checks) {
		g := group{Title: name.Title()}
		for _, c := range checks {
			if c.Group == name {
				g.Checks = append(g.Checks, c)
			}
		}
		all = append(all, g)
	}
	return all
}

// troubles are the checks that keep a run from PASS, the worst first.
func troubles(checks []reports.Check) []reports.Check {
	severity := func(c reports.Check) int {
		switch {
		case c.Status == reports.Fail:
			return 2
		case c.Status == reports.Pass, !c.Required && (c.Status == reports.Unknown || c.Status == reports.Inconclusive):
			return 0
		case c.Status == reports.Inconclusive || c.Status == reports.Unknown:
			return 1
		}
		return 3
	}
	var all []reports.Check
	for _, c := range checks {
		if severity(c) > 0 {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b reports.Check) int { return severity(b) - severity(a) })
	return all
}

// letter names a fault in the charts: A to Z, then A1 and on.
func letter(i int) string {
	name := string(rune('A' + i%26))
	if i >= 26 {
		name += fmt.Sprint(i / 26)
	}
	return name
}

// numbers lists a check's numbers by name.
func numbers(c reports.Check) []string {
	var all []string
	for name, x := range c.Numbers {
		all = append(all, fmt.Sprintf("%s = %s", name, number(x)))
	}
	slices.SortFunc(all, cmp.Compare)
	return all
}

// number prints a number of unknown kind: whole ones with thousands apart, others to four digits.
func number(x float64) string {
	switch {
	case x == math.Trunc(x) && math.Abs(x) < 1e15:
		return reports.Count(int64(x))
	case math.Abs(x) >= 1000:
		return reports.Count(int64(math.Round(x)))
	}
	return fmt.Sprintf("%.4g", x)
}

func percentage(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return math.Round(min(max(part/whole, 0), 1)*1e5) / 1e3
}

func widest(all []reports.Stage) float64 {
	most := 0.0
	for _, s := range all {
		most = max(most, s.MicrosEvent)
	}
	return most
}

// total is the sum over all stages.
func total(all []reports.Stage) reports.Stage {
	var sum reports.Stage
	for _, s := range all {
		sum.CPUSeconds += s.CPUSeconds
		sum.MicrosEvent += s.MicrosEvent
		sum.Events = max(sum.Events, s.Events)
	}
	return sum
}

// overall is the latency of all kinds together outside fault windows; nil if there is none.
func overall(all []reports.Latency) *reports.Latency {
	for i := range all {
		if all[i].Kind == "" && all[i].Part == reports.Outside {
			return &all[i]
		}
	}
	return nil
}

// ladder says the rungs in words, with equal steps together: "1 % for 30 m, then 11 % to 91 %,
// 15 m each".
func ladder(rungs []reports.Rung) string {
	var parts []string
	for i := 0; i < len(rungs); {
		j := i
		for j+1 < len(rungs) && rungs[j+1].Wait == rungs[i].Wait {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprintf("%s for %s", reports.Percent(rungs[i].Weight), rungs[i].Wait))
		} else {
			parts = append(parts, fmt.Sprintf("%s to %s in %d steps, %s each", reports.Percent(rungs[i].Weight), reports.Percent(rungs[j].Weight), j-i+1, rungs[i].Wait))
		}
		i = j + 1
	}
	return strings.Join(parts, ", then ")
}

// endpoints lists each kind of request once, with what it asks for.
func endpoints(all []reports.Latency) []reports.Latency {
	var list []reports.Latency
	for i := range all {
		l := &all[i]
		known := slices.ContainsFunc(list, func(o reports.Latency) bool { return o.Kind == l.Kind && o.Endpoint == l.Endpoint })
		if l.Endpoint != "" && !known {
			list = append(list, reports.Latency{Kind: l.Kind, Endpoint: l.Endpoint})
		}
	}
	return list
}
