package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefectKind is a way for a release to be bad, or not.
type DefectKind string

// The kinds of defects.
const (
	None    DefectKind = "none"    // the same code as a new version: a healthy release
	Slow    DefectKind = "slow"    // every answer comes later by a delay
	Failing DefectKind = "failing" // a share of the answers is an error
)

// Defect is what is wrong with a release, written slow(400ms), failing(50%) or none. The zero
// value says nothing, not that the release is healthy.
type Defect struct {
	Kind  DefectKind
	Delay time.Duration // of slow, 1 ms to 1 min
	Share float64       // of failing, above 0 to 1
}

// Validate says what is wrong with the defect.
func (d Defect) Validate() error {
	switch d.Kind {
	case None:
		if d.Delay != 0 || d.Share != 0 {
			return errors.New("a defect of none has neither delay nor share")
		}
	case Slow:
		if d.Delay < time.Millisecond || d.Delay > time.Minute || d.Share != 0 {
			return fmt.Errorf("%s is out of range: from slow(1ms) to slow(1m)", d)
		}
	case Failing:
		if !(d.Share > 0 && d.Share <= 1) || d.Delay != 0 {
			return fmt.Errorf("%s is out of range: above failing(0%%), to failing(100%%)", d)
		}
	default:
		return fmt.Errorf("unknown defect %q; allowed: none, slow(DURATION), failing(SHARE%%)", d.Kind)
	}
	return nil
}

// String is how the defect is written.
func (d Defect) String() string {
	switch d.Kind {
	case Slow:
		return fmt.Sprintf("slow(%s)", short(d.Delay))
	case Failing:
		return fmt.Sprintf("failing(%s%%)", shift(strconv.FormatFloat(d.Share, 'f', -1, 64), 2))
	}
	return string(d.Kind)
}

// ParseDefect reads what String writes, and validates it.
func ParseDefect(text string) (Defect, error) {
	if text == string(None) {
		return Defect{Kind: None}, nil
	}
	kind, rest, _ := strings.Cut(text, "(")
	argument, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return Defect{}, fmt.Errorf("defect %q: want none, slow(DURATION) or failing(SHARE%%)", text)
	}
	d := Defect{Kind: DefectKind(kind)}
	var err error
	switch d.Kind {
	case None:
		err = errors.New("none takes no argument")
	case Slow:
		d.Delay, err = time.ParseDuration(argument)
	case Failing:
		d.Share, err = parsePercent(argument)
	}
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return Defect{}, fmt.Errorf("defect %q: %w", text, err)
	}
	return d, nil
}

// parsePercent moves the point in the text, so that no digit is lost: 7% is 0.07 exactly as a
// program writes it.
func parsePercent(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	if !ok || number == "" || strings.Trim(number, "0123456789.") != "" || strings.Count(number, ".") > 1 || len(number) > 400 {
		return 0, errors.New("want a share such as 50%")
	}
	return strconv.ParseFloat(shift(number, -2), 64)
}

// shift moves the decimal point of a plain number without sign to the right by n places.
func shift(number string, n int) string {
	whole, fraction, _ := strings.Cut(number, ".")
	for ; n > 0; n-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; n < 0; n++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
