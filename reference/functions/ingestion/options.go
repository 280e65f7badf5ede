package ingestion

import (
	"errors"
	"log/slog"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// Options are what the ingesting functions need. Delivery is required.
type Options struct {
	Delivery *Delivery
	Version  string           // the executed version, kept in every record
	MaxAhead time.Duration    // how far an id may be ahead of the clock; 0: [api.MaxAhead]
	MaxBack  time.Duration    // how far back; 0: [api.MaxBack], more for a replay of history
	Slow     time.Duration    // a request that takes longer is logged; 0: 200 ms
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: nothing is logged
}

// EnsureDefaults replaces zero values.
func (o *Options) EnsureDefaults() {
	if o.MaxAhead == 0 {
		o.MaxAhead = api.MaxAhead
	}
	if o.MaxBack == 0 {
		o.MaxBack = api.MaxBack
	}
	if o.Slow == 0 {
		o.Slow = 200 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate names everything that is missing.
func (o *Options) Validate() error {
	var faults []error
	if o.Delivery == nil {
		faults = append(faults, errors.New("ingestion needs a delivery"))
	}
	if o.MaxAhead < 0 || o.MaxBack < 0 {
		faults = append(faults, errors.New("ingestion needs a time range that is not negative"))
	}
	return errors.Join(faults...)
}

func (o *Options) window(now time.Time) window {
	return window{from: now.Add(-o.MaxBack), to: now.Add(o.MaxAhead)}
}
