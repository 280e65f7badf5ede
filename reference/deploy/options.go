package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options of [NewController]. Release, Aliases, Evidence and Journal are required.
type Options struct {
	Release  Release
	Aliases  Aliases
	Evidence Evidence
	Journal  string // path of the journal file

	SampleEvery    time.Duration                       // 0: 1 s
	VerifyEvery    time.Duration                       // between looks at the aliases on a rung; 0: 10 s
	SettleFor      time.Duration                       // the canary's silence that ends a rollback; 0: 2 s
	CallsPerSecond float64                             // to the control plane; 0: 15
	Status         func(Decision)                      // called at each decision; nil: nobody
	Repair         func(context.Context, string) error // data, after a rollback for the given reason; nil: there is none
	Log            *slog.Logger                        // nil: discarded
}

// EnsureDefaults fills what is empty.
func (o *Options) EnsureDefaults() {
	o.Release.EnsureDefaults()
	if o.SampleEvery == 0 {
		o.SampleEvery = time.Second
	}
	if o.VerifyEvery == 0 {
		o.VerifyEvery = 10 * time.Second
	}
	if o.SettleFor == 0 {
		o.SettleFor = 2 * time.Second
	}
	if o.CallsPerSecond == 0 {
		o.CallsPerSecond = controlRate
	}
	if o.Status == nil {
		o.Status = func(Decision) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate reports all that is wrong at once.
func (o *Options) Validate() error {
	faults := []error{o.Release.Validate()}
	for name, missing := range map[string]bool{"aliases": o.Aliases == nil, "evidence": o.Evidence == nil, "journal": o.Journal == ""} {
		if missing {
			faults = append(faults, fmt.Errorf("no %s", name))
		}
	}
	return errors.Join(faults...)
}
