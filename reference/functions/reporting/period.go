package reporting

import (
	"errors"
	"fmt"
	"time"

	"github.com/retailflow/stampede/reference/store"
)

// errPeriod is wrapped by every fault of the period in a question.
var errPeriod = errors.New("bad period")

// maxPeriod bounds one question.
const maxPeriod = 366 * 24 * time.Hour

// period is [from, to) on whole minutes.
type period struct{ from, to time.Time }

// parsePeriod reads either from and to (RFC 3339, whole minutes) or date (YYYY-MM-DD, a day of
// the tenant's zone). Without any it is today so far.
func parsePeriod(query map[string]string, zone *time.Location, now time.Time) (period, error) {
	from, to, date := query["from"], query["to"], query["date"]
	switch {
	case date != "" && (from != "" || to != ""):
		return period{}, fmt.Errorf("%w: give either date or from and to", errPeriod)
	case date != "":
		d, err := store.ParseDate(date)
		if err != nil {
			return period{}, fmt.Errorf("%w: %w", errPeriod, err)
		}
		start, end := d.Bounds(zone)
		return period{start, end}, nil
	case from == "" && to == "":
		start, _ := store.DateIn(now, zone).Bounds(zone)
		return period{start, now.UTC().Truncate(time.Minute).Add(time.Minute)}, nil
	}
	start, err := parseMinute("from", from)
	if err != nil {
		return period{}, err
	}
	end, err := parseMinute("to", to)
	if err != nil {
		return period{}, err
	}
	if !end.After(start) {
		return period{}, fmt.Errorf("%w: to %s is not after from %s", errPeriod, to, from)
	}
	if end.Sub(start) > maxPeriod {
		return period{}, fmt.Errorf("%w: %s is longer than 366 days", errPeriod, end.Sub(start))
	}
	return period{start, end}, nil
}

func parseMinute(name, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !at.Equal(at.Truncate(time.Minute)) || at.Year() < 1970 {
		return time.Time{}, fmt.Errorf("%w: %s %q, want RFC 3339 on a whole minute such as 2026-11-27T10:04:00Z", errPeriod, name, text)
	}
	return at.UTC(), nil
}
