package run

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/retail"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/scenarios"
)

// Preflight finds what [Drill] would refuse, without starting anything: limits that no service
// has, a plan that cannot be drawn, real orders that cannot be read. seed is the run's; 0 takes the
// scenario's. A scenario that has none is looked at with seed 1: what a seed decides, such as which
// of a handful of tenants takes webhooks, is then only known when it runs.
func Preflight(seed uint64) []scenarios.Check {
	return []scenarios.Check{
		{Find: func(s *scenarios.Scenario) scenarios.Diagnostics {
			_, found := limitsOf(s.Limits)
			return found
		}},
		{Reads: []string{"tenants", "load"}, Find: func(s *scenarios.Scenario) scenarios.Diagnostics { return planFaults(s, seedOf(s, seed)) }},
		{Reads: []string{"tenants", "real-orders"}, Find: func(s *scenarios.Scenario) scenarios.Diagnostics { return targetFaults(s, seedOf(s, seed)) }},
		{Reads: []string{"real-orders"}, Find: orderFaults},
	}
}

func seedOf(s *scenarios.Scenario, seed uint64) uint64 {
	for _, given := range []uint64{seed, s.Seed} {
		if given != 0 {
			return given
		}
	}
	return 1
}

// limitsOf are the limits that a scenario asks for. Names that the parser has refused already are
// passed over.
func limitsOf(l scenarios.Limits) (limits cloud.Limits, found scenarios.Diagnostics) {
	limits = cloud.AWSLimits()
	if l.Mode == scenarios.LimitsOff {
		limits = cloud.NoLimits()
	}
	for _, s := range l.Services {
		names := cloud.LimitNames(s.Service)
		if names == nil {
			continue
		}
		if s.Mode == scenarios.LimitsOff {
			_ = limits.Off(s.Service) // a known name
			continue
		}
		for _, set := range s.Settings {
			if !slices.Contains(names, set.Name) {
				found.Report(set.NameAt, "unknown limit %q of %s; allowed: %s", set.Name, s.Service, strings.Join(names, ", "))
			} else if err := limits.Set(s.Service, set.Name, set.Value); err != nil {
				found.Report(set.ValueAt, "%v", err)
			}
		}
	}
	return limits, found
}

// planFaults finds a load that cannot be planned.
func planFaults(s *scenarios.Scenario, seed uint64) (found scenarios.Diagnostics) {
	if len(s.Load.Phases) == 0 {
		return nil // reported already
	}
	if _, err := tenant.Draw(tenantOptions(s.Tenants, seed)); err != nil {
		found.Report(s.At(&s.Tenants.Count), "tenants: %v", err)
		return found
	}
	if _, err := intensityOf(s.Load); err != nil {
		found.Report(s.At(&s.Load.Phases), "phases: %v", err)
	}
	return found
}

// targetFaults finds a tenant of the real orders that nobody is.
func targetFaults(s *scenarios.Scenario, seed uint64) (found scenarios.Diagnostics) {
	tenants, err := tenant.Draw(tenantOptions(s.Tenants, seed))
	if err != nil || !s.RealOrders.On {
		return nil // reported with the plan
	}
	if _, err := realTenant(s.RealOrders, tenants); err != nil {
		found.Report(s.At(&s.RealOrders.Tenant), "tenant: %v", err)
	}
	return found
}

// orderFaults finds real orders that cannot be read, or not told as events.
func orderFaults(s *scenarios.Scenario) (found scenarios.Diagnostics) {
	o := &s.RealOrders
	if o.Day != "" && o.File == "" && o.Day != retail.ExcerptDate {
		found.Report(s.At(&o.Day), "day: the orders that come with stampede are of %s: another day needs its file", retail.ExcerptDate)
		return found
	}
	if !o.On {
		return nil
	}
	day, err := readDay(*o)
	if err == nil {
		_, err = day.Batches(retail.Target{Tenant: &tenant.Tenant{ID: "t0001", Zone: "UTC"}, Day: time.Unix(0, 0).UTC(), Key: []byte("preflight")})
	}
	switch {
	case errors.Is(err, retail.ErrNoLines) && o.Day != "":
		found.Report(s.At(&o.Day), "day: %s has no line of %s", o.File, o.Day)
	case err != nil:
		found.Report(s.At(&o.File), "file: %v", err)
	}
	return found
}
