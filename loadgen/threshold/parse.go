package threshold

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// SyntaxError is what [Parse] returns for a text that is no threshold.
type SyntaxError struct {
	Text   string
	Offset int // of the byte at which it goes wrong, from 0
	Reason string
}

// Error names the column, counted from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("threshold %q: column %d: %s", e.Text, e.Offset+1, e.Reason)
}

// Parse reads one threshold. The error is a *[SyntaxError] that names what was found and what is
// allowed.
func Parse(text string) (Threshold, error) {
	p := parser{text: text, rest: text}
	t, err := p.threshold()
	if err != nil {
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			err = &SyntaxError{Text: text, Offset: len(text) - len(p.rest), Reason: err.Error()}
		}
		return Threshold{}, err
	}
	return t, nil
}

type parser struct{ text, rest string }

func (p *parser) threshold() (t Threshold, err error) {
	p.blank()
	at := p.rest
	name := p.word()
	if t.Function, t.Quantile, err = function(name); err != nil {
		return t, p.fault(at, err.Error())
	}
	if err := p.expect("("); err != nil {
		return t, err
	}
	p.blank()
	at = p.rest
	t.Metric = Metric(p.word())
	switch counts := t.Function == Count || t.Function == Rate; {
	case !t.Metric.isDuration() && !slices.Contains(counters, t.Metric):
		return t, p.fault(at, fmt.Sprintf("%q is no metric: durations are %s; counters are %s", t.Metric, list(durations), list(counters)))
	case counts && t.Metric.isDuration():
		return t, p.fault(at, fmt.Sprintf("%s is a duration, %s needs a counter: %s", t.Metric, t.Function, list(counters)))
	case !counts && slices.Contains(counters, t.Metric):
		return t, p.fault(at, fmt.Sprintf("%s is a counter, %s needs a duration: %s", t.Metric, name, list(durations)))
	}
	if strings.HasPrefix(p.rest, "{") {
		if t.Metric == Freshness {
			return t, errors.New("freshness has no labels: it is of events that are waited for, not of requests")
		}
		if t.Labels, err = p.labels(); err != nil {
			return t, err
		}
	}
	if err := p.expect(")"); err != nil {
		return t, err
	}
	if t.Operator = p.operator(); t.Operator == "" {
		return t, fmt.Errorf("found %s, allowed are < <= > >= == !=", p.found())
	}
	p.blank()
	at = p.rest
	if t.Bound, t.Unit, err = p.bound(t); err != nil {
		return t, p.fault(at, err.Error())
	}
	return t, nil
}

// function reads p99.9, count and so on.
func function(name string) (Function, float64, error) {
	switch f := Function(name); f {
	case Min, Mean, Max, Count, Rate:
		return f, 0, nil
	}
	if digits, ok := strings.CutPrefix(name, "p"); ok {
		if q, err := strconv.ParseFloat(digits, 64); err == nil && q > 0 && q < 100 {
			return Quantile, q / 100, nil
		}
	}
	return "", 0, fmt.Errorf("%q is no function: allowed are p50, p99, p99.9 (above 0 and below 100), min, mean, max, count, rate", name)
}

func (p *parser) labels() (map[string]string, error) {
	out := map[string]string{}
	p.rest = p.rest[1:]
	for {
		p.blank()
		at := p.rest
		name := p.word()
		if !slices.Contains(labels, name) {
			return nil, p.fault(at, fmt.Sprintf("%q is no label: allowed are %s", name, strings.Join(labels, ", ")))
		}
		if _, twice := out[name]; twice {
			return nil, p.fault(at, fmt.Sprintf("label %s stands twice", name))
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		p.blank()
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		out[name] = value
		p.blank()
		if strings.HasPrefix(p.rest, "}") {
			p.rest = p.rest[1:]
			return out, nil
		}
		if err := p.expect(","); err != nil {
			return nil, fmt.Errorf("found %s, expected , or }", p.found())
		}
	}
}

// value is a quoted text, or everything up to the next comma or brace.
func (p *parser) value() (string, error) {
	if strings.HasPrefix(p.rest, `"`) {
		quoted, err := strconv.QuotedPrefix(p.rest)
		if err != nil {
			return "", errors.New("the quoted value does not end")
		}
		p.rest = p.rest[len(quoted):]
		return strconv.Unquote(quoted)
	}
	n := strings.IndexAny(p.rest, ",}")
	value := strings.TrimSpace(p.rest[:max(n, 0)])
	if value == "" {
		return "", fmt.Errorf("found %s, expected the label's value", p.found())
	}
	p.rest = p.rest[n:]
	return value, nil
}

// quote writes a label's value so that it can be read back.
func quote(value string) string {
	if value == "" || strings.ContainsAny(value, `,}"`) || value != strings.TrimSpace(value) || strconv.Quote(value) != `"`+value+`"` {
		return strconv.Quote(value)
	}
	return value
}

func (p *parser) operator() string {
	p.blank()
	for _, o := range operators {
		if rest, ok := strings.CutPrefix(p.rest, o); ok {
			p.rest = rest
			return o
		}
	}
	return ""
}

// bound reads the rest of the text in the unit that the figure has.
func (p *parser) bound(t Threshold) (float64, Unit, error) {
	text := strings.TrimSpace(p.rest)
	number := func(unit string) (float64, bool) {
		digits, ok := strings.CutSuffix(text, unit)
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		return v, ok && err == nil && v >= 0 && v <= 1e15
	}
	switch {
	case t.Metric.isDuration():
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			return d.Seconds(), Seconds, nil
		}
		return 0, "", fmt.Errorf("%q is no duration: write 142ms or 1.5s", text)
	case t.Function == Count:
		if v, ok := number(""); ok && v == float64(int64(v)) {
			return v, Number, nil
		}
		return 0, "", fmt.Errorf("%q is no count: write a whole number such as 0", text)
	}
	if v, ok := number("%"); ok && v <= 100 && t.Metric != Requests {
		return v / 100, Share, nil
	}
	if v, ok := number("/s"); ok {
		return v, PerSecond, nil
	}
	if t.Metric == Requests {
		return 0, "", fmt.Errorf("%q is no rate: write 1000/s", text)
	}
	return 0, "", fmt.Errorf("%q is neither a share nor a rate: write 0.1%% or 5/s", text)
}

func (p *parser) blank() { p.rest = strings.TrimLeft(p.rest, " \t") }

// word reads letters, digits, dots and underscores.
func (p *parser) word() string {
	p.blank()
	n := strings.IndexFunc(p.rest, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_'
	})
	if n < 0 {
		n = len(p.rest)
	}
	word := p.rest[:n]
	p.rest = p.rest[n:]
	return word
}

func (p *parser) expect(token string) error {
	p.blank()
	rest, ok := strings.CutPrefix(p.rest, token)
	if !ok {
		return fmt.Errorf("found %s, expected %s", p.found(), token)
	}
	p.rest = rest
	return nil
}

// found names what stands next.
func (p *parser) found() string {
	if p.rest == "" {
		return "the end"
	}
	_, n := utf8.DecodeRuneInString(p.rest)
	return strconv.Quote(p.rest[:n])
}

// fault is an error at an earlier place.
func (p *parser) fault(at, reason string) error {
	return &SyntaxError{Text: p.text, Offset: len(p.text) - len(at), Reason: reason}
}

func list(metrics []Metric) string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}
