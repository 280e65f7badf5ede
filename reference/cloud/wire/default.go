package wire

import (
	"log/slog"
	"time"
)

// Region and Account are those of ARNs where a service's options name none.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Clock is now, or the system's clock if it is nil.
func Clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// Logger is log, or silence if it is nil.
func Logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
