package eventbridge

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// schedule is the pure core of a rule's schedule expression: a fixed rate or a
// cron expression, in UTC and to the minute.
//
// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
type schedule struct {
	every time.Duration // of a rate; 0 is cron
	cron  cron
}

// parseSchedule reads rate(n unit) or cron(six fields).
func parseSchedule(text string) (schedule, error) {
	inner, ok := strings.CutSuffix(text, ")")
	if rate, is := strings.CutPrefix(inner, "rate("); ok && is {
		every, err := parseRate(rate)
		return schedule{every: every}, err
	}
	if fields, is := strings.CutPrefix(inner, "cron("); ok && is {
		c, err := parseCron(fields)
		return schedule{cron: c}, err
	}
	return schedule{}, fmt.Errorf("schedule %q is neither rate(…) nor cron(…)", text)
}

func parseRate(text string) (time.Duration, error) {
	value, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("rate %q is not a positive whole number and a unit", text)
	}
	if (n == 1) == strings.HasSuffix(unit, "s") {
		return 0, fmt.Errorf("rate %q: the unit is singular for 1 and plural otherwise", text)
	}
	switch strings.TrimSuffix(unit, "s") {
	case "minute":
		return time.Duration(n) * time.Minute, nil
	case "hour":
		return time.Duration(n) * time.Hour, nil
	case "day":
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return 0, fmt.Errorf("rate %q: the unit is minute, hour or day", text)
}

// next is the first time after the one given at which a rule is due that has
// been enabled since the anchor; zero if there is none.
func (s schedule) next(anchor, after time.Time) time.Time {
	if s.every == 0 {
		return s.cron.next(after)
	}
	if after.Before(anchor) {
		return anchor.Add(s.every)
	}
	return anchor.Add((after.Sub(anchor)/s.every + 1) * s.every)
}

// cron holds the wanted values of each field as bits.
type cron struct {
	minutes, hours, days, months, weekdays uint64
	firstYear                              int
	years                                  []bool // from firstYear on
}

// cronFields are the fields with their bounds and names, in order.
var cronFields = [6]struct {
	name      string
	low, high int
	names     []string // of the values from low on
}{
	{"minutes", 0, 59, nil},
	{"hours", 0, 23, nil},
	{"day of month", 1, 31, nil},
	{"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{"day of week", 1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{"year", 1970, 2199, nil},
}

// parseCron reads minutes, hours, day of month, month, day of week and year. Of
// the two days one must be "?". The letters L, W and # are not known here.
func parseCron(text string) (cron, error) {
	parts := strings.Fields(text)
	if len(parts) != len(cronFields) {
		return cron{}, fmt.Errorf("cron %q: want six fields", text)
	}
	if (parts[2] == "?") == (parts[4] == "?") {
		return cron{}, fmt.Errorf("cron %q: exactly one of day of month and day of week must be ?", text)
	}
	var sets [6][]bool
	for i, part := range parts {
		set, err := parseCronField(i, part)
		if err != nil {
			return cron{}, fmt.Errorf("cron %q: %s: %w", text, cronFields[i].name, err)
		}
		sets[i] = set
	}
	bits := func(i int) (b uint64) {
		for v, wanted := range sets[i] {
			if wanted {
				b |= 1 << (v + cronFields[i].low)
			}
		}
		return b
	}
	return cron{minutes: bits(0), hours: bits(1), days: bits(2), months: bits(3), weekdays: bits(4),
		firstYear: cronFields[5].low, years: sets[5]}, nil
}

// parseCronField reads a list of values, ranges and steps.
func parseCronField(field int, text string) ([]bool, error) {
	f := cronFields[field]
	set := make([]bool, f.high-f.low+1)
	value := func(s string) (int, error) {
		for i, name := range f.names {
			if strings.EqualFold(s, name) {
				return f.low + i, nil
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < f.low || n > f.high {
			return 0, fmt.Errorf("%q is not between %d and %d", s, f.low, f.high)
		}
		return n, nil
	}
	for _, item := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("step %q is not a positive number", stepText)
			}
		}
		low, high := f.low, f.high
		if span != "*" && (span != "?" || (field != 2 && field != 4)) {
			from, to, ranged := strings.Cut(span, "-")
			var err error
			if low, err = value(from); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if high, err = value(to); err != nil {
					return nil, err
				}
			case !stepped:
				high = low
			}
		}
		if high < low {
			return nil, fmt.Errorf("range %q runs backwards", item)
		}
		for v := low; v <= high; v += step {
			set[v-f.low] = true
		}
	}
	return set, nil
}

// next is the first wanted minute after a time, zero if there is none.
func (c cron) next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	has := func(bits uint64, v int) bool { return bits&(1<<v) != 0 }
	for t.Year() < c.firstYear+len(c.years) {
		switch {
		case t.Year() < c.firstYear || !c.years[t.Year()-c.firstYear]:
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !has(c.months, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !has(c.days, t.Day()) || !has(c.weekdays, int(t.Weekday())+1):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hours, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minutes, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
