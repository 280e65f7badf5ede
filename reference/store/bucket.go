package store

import (
	"fmt"
	"time"
)

// Level is the width of a roll-up's bucket.
type Level string

// The levels. A day is a day of the tenant's zone, the others are of UTC.
const (
	Minute Level = "1m"
	Hour   Level = "1h"
	Day    Level = "1d"
)

// Forms of instants inside keys, all UTC but dates.
const (
	minuteForm = "200601021504"
	hourForm   = "2006010215"
	monthForm  = "200601"
	dateForm   = "20060102"
	yearForm   = "2006"
)

// MinuteName is the sort key of a minute's bucket by its start.
func MinuteName(start time.Time) string { return start.UTC().Format(minuteForm) }

// HourName is the sort key of an hourly bucket.
func HourName(start time.Time) string { return start.UTC().Format(hourForm) }

// ParseMinute reads [MinuteName].
func ParseMinute(text string) (time.Time, error) { return parseInstant(minuteForm, text) }

// ParseHour reads [HourName].
func ParseHour(text string) (time.Time, error) { return parseInstant(hourForm, text) }

func parseInstant(form, text string) (time.Time, error) {
	t, err := time.Parse(form, text)
	if err != nil || len(text) != len(form) {
		return time.Time{}, fmt.Errorf("instant %q, want the form %s: %w", text, form, ErrKey)
	}
	return t, nil
}

// MinuteKey is the roll-up of one minute: a partition a UTC day.
func MinuteKey(tenant string, start time.Time) Key {
	start = start.UTC()
	return Key{PK: rollupPK(tenant, Minute, start.Format(dateForm)), SK: start.Format(minuteForm)}
}

// HourKey is the roll-up of one hour: a partition a UTC month.
func HourKey(tenant string, start time.Time) Key {
	start = start.UTC()
	return Key{PK: rollupPK(tenant, Hour, start.Format(monthForm)), SK: start.Format(hourForm)}
}

// DayKey is the roll-up of one local day: a partition a year.
func DayKey(tenant string, date Date) Key {
	name := date.name()
	return Key{PK: rollupPK(tenant, Day, name[:4]), SK: name}
}

func rollupPK(tenant string, level Level, span string) string {
	return "T#" + tenant + "#R#" + string(level) + "#" + span
}

// ParseRollupKey reads the key of a roll-up's head. start is the bucket's start; of a day it is
// midnight UTC of the date, whose real bounds only the zone tells ([Date.Bounds]).
func ParseRollupKey(key Key) (tenant string, level Level, start time.Time, err error) {
	tenant, rest, err := cutTenant(key.PK, "R")
	if err != nil {
		return "", "", time.Time{}, err
	}
	form := ""
	if len(rest) > 3 {
		level = Level(rest[:2])
		form = map[Level]string{Minute: minuteForm, Hour: hourForm, Day: dateForm}[level]
	}
	if form == "" {
		return "", "", time.Time{}, fmt.Errorf("roll-up key %q: %w", key, ErrKey)
	}
	start, err = parseInstant(form, key.SK)
	return tenant, level, start, err
}
