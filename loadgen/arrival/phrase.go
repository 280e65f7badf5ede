package arrival

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Phrases are the forms that [ParsePhase] reads, for help texts. Rates are events/s.
const Phrases = `constant 1000 for 1m
ramp 100 to 1000 for 1m
steps 100 to 1000 in 5 for 5m
sine 500 swing 0.8 period 10m [shift 2m] for 30m
flash 100 to 2000 rise 10s plateau 30s decay 20s for 5m`

// ParsePhase reads a phase as a person writes it. The error says what was found and what is allowed.
func ParsePhase(text string) ([]Curve, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, fmt.Errorf("phase %q: empty; write one of:\n%s", text, Phrases)
	}
	p := phrase{values: map[string]string{}}
	if len(words)%2 != 0 {
		return nil, fmt.Errorf("phase %q: %q has no value; write one of:\n%s", text, words[len(words)-1], Phrases)
	}
	for i := 0; i < len(words); i += 2 {
		if _, twice := p.values[words[i]]; twice {
			return nil, fmt.Errorf("phase %q: %q stands twice", text, words[i])
		}
		p.values[words[i]] = words[i+1]
	}
	curves := p.curves(words[0])
	if p.err == nil && len(p.values) > 0 {
		p.fail("%q is not known here", slices.Sorted(maps.Keys(p.values))[0])
	}
	for _, c := range curves {
		if faults := c.faults(); p.err == nil && len(faults) > 0 {
			p.err = faults[0]
		}
	}
	if p.err != nil {
		return nil, fmt.Errorf("phase %q: %w", text, p.err)
	}
	return curves, nil
}

// phrase are the words of a phase and their values, taken out one by one.
type phrase struct {
	values map[string]string
	err    error
}

func (p *phrase) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+"; write one of:\n%s", append(args, Phrases)...)
	}
}

func (p *phrase) take(word string) string {
	text, ok := p.values[word]
	if !ok {
		p.fail("%s is missing", word)
	}
	delete(p.values, word)
	return text
}

func (p *phrase) number(word string) float64 {
	text := p.take(word)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fail("%s %q is no number", word, text)
	}
	return v
}

func (p *phrase) rate(word string) PerSecond { return PerSecond(p.number(word)) }

func (p *phrase) duration(word string) time.Duration {
	text := p.take(word)
	d, err := time.ParseDuration(text)
	if err != nil {
		p.fail("%s %q is no duration such as 90s or 5m", word, text)
	}
	return d
}

func (p *phrase) curves(kind string) []Curve {
	switch kind {
	case "constant":
		return []Curve{Constant(p.rate(kind), p.duration("for"))}
	case "ramp":
		return []Curve{Ramp{From: p.rate(kind), To: p.rate("to"), For: p.duration("for")}}
	case "steps":
		from, to, n := p.rate(kind), p.rate("to"), p.number("in")
		if n < 1 || n > 10_000 || n != float64(int(n)) {
			p.fail("in %v: must be a whole number of steps, 1 to 10000", n)
			return nil
		}
		return Steps(from, to, int(n), p.duration("for"))
	case "sine":
		s := Sine{Mean: p.rate(kind), Swing: p.number("swing"), Period: p.duration("period"), For: p.duration("for")}
		if _, ok := p.values["shift"]; ok {
			s.Shift = p.duration("shift")
		}
		return []Curve{s}
	case "flash":
		return []Curve{Flash{Base: p.rate(kind), Top: p.rate("to"), Rise: p.duration("rise"), Plateau: p.duration("plateau"),
			Decay: p.duration("decay"), For: p.duration("for")}}
	}
	p.fail("%q is no kind of phase", kind)
	return nil
}

func (r PerSecond) text() string { return strconv.FormatFloat(float64(r), 'g', -1, 64) }

// String writes the phase so that [ParsePhase] reads it.
func (r Ramp) String() string {
	if r.From == r.To {
		return fmt.Sprintf("constant %s for %s", r.From.text(), r.For)
	}
	return fmt.Sprintf("ramp %s to %s for %s", r.From.text(), r.To.text(), r.For)
}

// String writes the phase so that [ParsePhase] reads it.
func (s Sine) String() string {
	shift := ""
	if s.Shift > 0 {
		shift = fmt.Sprintf(" shift %s", s.Shift)
	}
	return fmt.Sprintf("sine %s swing %v period %s%s for %s", s.Mean.text(), s.Swing, s.Period, shift, s.For)
}

// String writes the phase so that [ParsePhase] reads it.
func (f Flash) String() string {
	return fmt.Sprintf("flash %s to %s rise %s plateau %s decay %s for %s", f.Base.text(), f.Top.text(), f.Rise, f.Plateau, f.Decay, f.For)
}
