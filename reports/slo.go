package reports

import (
	"fmt"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Confidence is that of every bound in a report: an objective that is met counts as PASS in
// error at most once in 40 runs, and likewise FAIL.
const Confidence = 0.95

// CheckQuantile compares a quantile of a sample with the longest duration allowed. It is PASS only
// if the upper confidence bound of the quantile is inside the objective, FAIL only if the lower
// bound is outside, else INCONCLUSIVE; INVALID if the sample is empty, for a run without
// requests shows nothing. The caller sets Required and may add to Detail.
func CheckQuantile(name string, h *stat.Histogram, q float64, objective time.Duration) Check {
	low, high := h.QuantileBounds(q, Confidence)
	at := h.Quantile(q)
	c := Check{
		Name: name, Group: GroupObjectives,
		Objective: fmt.Sprintf("%s ≤ %s", QuantileName(q), FormatDuration(objective)),
		Numbers: map[string]float64{
			"objective_ms": milliseconds(objective), "observed_ms": milliseconds(at), "low_ms": milliseconds(low),
			"samples": float64(h.Count()), "over_objective": float64(h.CountOver(objective)), "max_ms": milliseconds(h.Max()),
		},
	}
	if h.Count() == 0 {
		c.Status, c.Observed = Invalid, "no samples"
		return c
	}
	upper := "no upper bound"
	if high != stat.Unbounded {
		upper = FormatDuration(high)
		c.Numbers["high_ms"] = milliseconds(high)
	}
	c.Observed = fmt.Sprintf("%s %s (%s to %s)", QuantileName(q), FormatDuration(at), FormatDuration(low), upper)
	c.Detail = fmt.Sprintf("%s of %s samples were slower than %s; the range holds the true %s with %.0f %% confidence.",
		Count(h.CountOver(objective)), Count(h.Count()), FormatDuration(objective), QuantileName(q), 100*Confidence)
	switch {
	case high <= objective:
		c.Status = Pass
	case low > objective:
		c.Status = Fail
	default:
		c.Status = Inconclusive
	}
	return c
}

// CheckShare compares the share of good among all with the smallest share allowed, between 0
// and 1. Like [CheckQuantile] it is PASS or FAIL only if the confidence bound proves it, and
// INVALID if there was nothing to count.
func CheckShare(name string, good, all int64, objective float64) Check {
	c := Check{
		Name: name, Group: GroupObjectives, Objective: "≥ " + Percent(objective),
		Numbers: map[string]float64{"objective": objective, "good": float64(good), "all": float64(all), "bad": float64(all - good)},
	}
	if all == 0 {
		c.Status, c.Observed = Invalid, "no samples"
		return c
	}
	// Bounds of the bad share keep their digits where a good share is all nines.
	low, high := stat.ProportionBounds(all-good, all, Confidence)
	low, high = 1-high, 1-low
	c.Numbers["observed"], c.Numbers["low"], c.Numbers["high"] = float64(good)/float64(all), low, high
	c.Observed = fmt.Sprintf("%s (%s to %s)", Percent(float64(good)/float64(all)), Percent(low), Percent(high))
	c.Detail = fmt.Sprintf("%s of %s missed it; the range holds the true share with %.0f %% confidence.", Count(all-good), Count(all), 100*Confidence)
	switch {
	case low >= objective:
		c.Status = Pass
	case high < objective:
		c.Status = Fail
	default:
		c.Status = Inconclusive
	}
	return c
}

// CheckAtMost compares a count that is known exactly, such as lost events, with the highest one
// allowed.
func CheckAtMost(name string, group Group, count, most int64, unit string) Check {
	c := Check{
		Name: name, Group: group, Status: Pass, Objective: fmt.Sprintf("≤ %s %s", Count(most), unit), Observed: fmt.Sprintf("%s %s", Count(count), unit),
		Numbers: map[string]float64{"observed": float64(count), "objective": float64(most)},
	}
	if most == 0 {
		c.Objective = "no " + unit
	}
	if count > most {
		c.Status = Fail
	}
	return c
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
