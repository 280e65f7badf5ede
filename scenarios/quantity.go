package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Share is a part of a whole, from 0 to 1; in YAML it is written as a percentage: 0.5%.
type Share float64

// String is the YAML form.
func (s Share) String() string { return shift(formatNumber(float64(s)), 2) + "%" }

// PerSecond is a rate; in YAML it is written with its unit: 174/s, 50000/min.
type PerSecond float64

// String is the YAML form.
func (r PerSecond) String() string { return formatNumber(float64(r)) + "/s" }

// Bytes is a size; in YAML it is written with its unit: 5MB (5,000,000 bytes), 5MiB (5,242,880).
type Bytes int64

// String is the YAML form.
func (b Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"kB", 1e3}, {"KiB", 1 << 10}} {
		if b >= u.size && b%u.size == 0 {
			return fmt.Sprintf("%d%s", b/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dB", b)
}

func parseDuration(text string) (time.Duration, error) {
	const hint = "write it with a unit, such as 250ms, 2s, 5m or 1h30m"
	if _, err := parseNumber(text); err == nil {
		return 0, fmt.Errorf("duration %q has no unit: %s", text, hint)
	}
	if looksOctal(text) {
		return 0, octal(text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: %s", text, hint)
	}
	return d, nil
}

// formatDuration is the shortest text that parses back: 1h30m, 2s, 250ms.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseRate(text string) (PerSecond, error) {
	const hint = "write it with a unit, such as 174/s, 50000/min or 15000000/d"
	number, unit, found := strings.Cut(text, "/")
	if _, err := parseNumber(text); err == nil {
		return 0, fmt.Errorf("rate %q has no unit: %s", text, hint)
	}
	seconds, known := map[string]float64{"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
	if !found || !known {
		return 0, fmt.Errorf("%q is not a rate: %s", text, hint)
	}
	x, err := parseNumber(number)
	if err != nil {
		return 0, err
	}
	return PerSecond(x / seconds), nil
}

func parseShare(text string) (Share, error) {
	number, percent := strings.CutSuffix(text, "%")
	number = strings.TrimSpace(number)
	x, err := parseNumber(number)
	switch {
	case err != nil && percent:
		return 0, err
	case err != nil:
		return 0, fmt.Errorf("%q is not a share: write a percentage, such as 5%% or 0.1%%", text)
	case !percent && x <= 1:
		return 0, fmt.Errorf("share %q has no unit: write a percentage, such as %s", text, Share(x))
	case !percent:
		return 0, fmt.Errorf("share %q has no unit: write a percentage, such as %s%%", text, formatNumber(x))
	}
	// Moved in the text and not divided: 99.9% is then the same number as 0.999.
	x, err = parseNumber(shift(number, -2))
	return Share(x), err
}

func parseBytes(text string) (Bytes, error) {
	const hint = "write it with a unit, such as 512kB, 5MB or 1MiB"
	digits := strings.TrimRight(text, "BkKMGi ")
	unit := strings.TrimSpace(text[len(digits):])
	if _, err := parseNumber(text); err == nil {
		return 0, fmt.Errorf("size %q has no unit: %s", text, hint)
	}
	size, known := map[string]float64{"B": 1, "kB": 1e3, "KB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30}[unit]
	if !known || digits == "" {
		return 0, fmt.Errorf("%q is not a size: %s", text, hint)
	}
	x, err := parseNumber(digits)
	if err != nil {
		return 0, err
	}
	if x *= size; x != math.Trunc(x) || x > 1<<60 {
		return 0, fmt.Errorf("%q is not a whole number of bytes", text)
	}
	return Bytes(x), nil
}

// parseNumber reads a decimal number. YAML's other notations are refused, since 010 is 8 to
// some readers and 10 to others.
func parseNumber(text string) (float64, error) {
	if looksOctal(text) {
		return 0, octal(text)
	}
	if strings.ContainsAny(text, "xXpPeE_nNiI") {
		return 0, fmt.Errorf("%q is not a decimal number", text)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return x, nil
}

func looksOctal(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && (text[1] >= '0' && text[1] <= '9' || text[1] == 'o' || text[1] == 'O')
}

func octal(text string) error {
	plain := strings.TrimLeft(strings.TrimLeft(text, "+-0"), "oO")
	if plain == "" || plain[0] < '0' || plain[0] > '9' {
		plain = "0" + plain
	}
	return fmt.Errorf("%q looks like an octal number: write %s, without the leading zero", text, plain)
}

// formatNumber is the shortest decimal text that reads back as the same number.
func formatNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// shift moves the point of a decimal number, given as text, to the right; to the left if by is
// negative.
func shift(number string, by int) string {
	sign := ""
	if strings.HasPrefix(number, "-") || strings.HasPrefix(number, "+") {
		sign, number = number[:1], number[1:]
	}
	whole, fraction, _ := strings.Cut(number, ".")
	for ; by > 0; by-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; by < 0; by++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}
