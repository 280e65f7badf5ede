package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Millis is a duration that is written to JSON as a number of milliseconds.
type Millis time.Duration

// Duration is the same length of time.
func (m Millis) Duration() time.Duration { return time.Duration(m) }

// String prints it as a person would: "142 ms", "1.24 s", "2 m 18 s".
func (m Millis) String() string { return FormatDuration(time.Duration(m)) }

// MarshalJSON writes milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(float64(m)/1e3) / 1e3)
}

// UnmarshalJSON reads milliseconds.
func (m *Millis) UnmarshalJSON(data []byte) error {
	var ms float64
	if err := json.Unmarshal(data, &ms); err != nil {
		return fmt.Errorf("milliseconds: %w", err)
	}
	*m = Millis(math.Round(ms * 1e6))
	return nil
}

// Seconds is a point in a run, counted from the planned start of the load, or a long duration;
// it is written to JSON as a number of seconds. Points before the load are negative.
type Seconds time.Duration

// Duration is the same length of time.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// String prints it like [Millis.String].
func (s Seconds) String() string { return FormatDuration(time.Duration(s)) }

// MarshalJSON writes seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(float64(s)/1e6) / 1e3)
}

// UnmarshalJSON reads seconds.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return fmt.Errorf("seconds: %w", err)
	}
	*s = Seconds(math.Round(seconds * 1e9))
	return nil
}

// FormatDuration prints three significant digits and a unit: "870 µs", "142 ms", "1.24 s",
// "2 m 18 s", "5 m", "3 h 05 m".
func FormatDuration(d time.Duration) string {
	switch abs := d.Abs(); {
	case d < 0:
		return "-" + FormatDuration(abs)
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 999500*time.Nanosecond:
		return digits(float64(d)/1e3) + " µs"
	case d < 999500*time.Microsecond:
		return digits(float64(d)/1e6) + " ms"
	case d < 99950*time.Millisecond:
		return digits(d.Seconds()) + " s"
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return pair(int(d/time.Minute), "m", int(d%time.Minute/time.Second), "s")
	default:
		d = d.Round(time.Minute)
		return pair(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "m")
	}
}

func pair(large int, largeUnit string, small int, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, largeUnit)
	}
	return fmt.Sprintf("%d %s %02d %s", large, largeUnit, small, smallUnit)
}

// digits prints three significant digits without trailing zeros after the point.
func digits(x float64) string {
	decimals := 0
	switch {
	case x < 9.995:
		decimals = 2
	case x < 99.95:
		decimals = 1
	}
	text := fmt.Sprintf("%.*f", decimals, x)
	if decimals > 0 {
		for text[len(text)-1] == '0' {
			text = text[:len(text)-1]
		}
		if text[len(text)-1] == '.' {
			text = text[:len(text)-1]
		}
	}
	return text
}
