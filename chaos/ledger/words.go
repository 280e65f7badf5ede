package ledger

import (
	"fmt"
	"time"
)

// How examples write times and sentences.

func timeAt(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

func timeOf(minute int64) string { return timeAt(minute).Format("2006-01-02T15:04Z") }

func timeMS(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }
