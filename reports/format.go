package reports

import (
	"math"
	"strconv"
	"strings"
)

// Count prints a number with its thousands apart: "1,234,567".
func Count(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Rate prints a rate to three significant digits at least: "0.52", "17.4", "3,472".
func Rate(x float64) string {
	switch {
	case math.Abs(x) >= 99.95:
		return Count(int64(math.Round(x)))
	case x < 0:
		return "-" + digits(-x)
	}
	return digits(x)
}

// Percent prints a share, with as many decimals as it takes to tell it from 0 and from 1, up to
// five: "12 %", "0.5 %", "99.93 %", "99.996 %".
func Percent(share float64) string {
	decimals := 1
	for away := min(math.Abs(share), math.Abs(1-share)) * 100; away > 0 && away < 9.95 && decimals < 5; decimals++ {
		away *= 10
	}
	text := strconv.FormatFloat(100*share, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " %"
}

// QuantileName is how people call a quantile: "p50", "p99", "p99.9".
func QuantileName(q float64) string {
	return "p" + strconv.FormatFloat(math.Round(q*1e7)/1e5, 'f', -1, 64)
}

// Bytes prints a size: "512 B", "5 MB", "7.8 GB"; a megabyte is 1,000,000 bytes, as in AWS's limits.
func Bytes(n int64) string {
	units := [...]string{"B", "kB", "MB", "GB", "TB"}
	x, i := float64(n), 0
	for ; x >= 999.5 && i < len(units)-1; i++ {
		x /= 1000
	}
	return digits(x) + " " + units[i]
}
