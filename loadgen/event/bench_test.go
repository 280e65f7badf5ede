package event_test

import (
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
)

// spent is the CPU of this process, collecting garbage included, and how often it allocated.
func spent() (cpu int64, allocations uint64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return u.Utime.Nano() + u.Stime.Nano(), m.Mallocs
}

// makeAll makes the requests of entries over and over and reports the cost of an event.
func makeAll(b *testing.B, seed uint64, entries func() plan.Entry) {
	m, _, _ := fixture(b, seed)
	events, bytes := 0, 0
	cpu, allocations := spent()
	for b.Loop() {
		r, err := m.Make(entries())
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(r.Body)
		events += len(r.Facts)
	}
	cpuAfter, allocationsAfter := spent()
	b.ReportMetric(float64(cpuAfter-cpu)/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(allocationsAfter-allocations)/float64(events), "allocs/event")
	b.ReportMetric(float64(bytes)/float64(events), "B/event")
}

// BenchmarkEvents is what an event costs in the mix of a usual day, webhooks of every platform and
// their signatures included.
func BenchmarkEvents(b *testing.B) {
	_, p, _ := fixture(b, 1)
	entries := slices.DeleteFunc(slices.Collect(p.Entries()), func(e plan.Entry) bool { return e.Kind == plan.Read })
	next := 0
	b.Run("mix=default", func(b *testing.B) {
		makeAll(b, 1, func() plan.Entry {
			next++
			return entries[next%len(entries)]
		})
	})
}

func BenchmarkBatch(b *testing.B) {
	for _, n := range []int32{20, 100} {
		b.Run("events="+strconv.Itoa(int(n)), func(b *testing.B) {
			e := plan.Entry{Kind: plan.Batch, Events: n}
			makeAll(b, 1, func() plan.Entry {
				e.Body++
				e.Tenant = int32(e.Body % 2400)
				return e
			})
		})
	}
}

func BenchmarkWebhook(b *testing.B) {
	tenants, err := tenant.Draw(tenant.Options{Seed: 1})
	require.NoError(b, err)
	for _, platform := range []tenant.Platform{tenant.Shopify, tenant.WooCommerce, tenant.Magento, tenant.Custom} {
		b.Run("platform="+string(platform), func(b *testing.B) {
			at := slices.IndexFunc(tenants, func(one tenant.Tenant) bool { return one.Platform == platform })
			e := plan.Entry{Kind: plan.Webhook, Events: 1, Tenant: int32(at)}
			makeAll(b, 1, func() plan.Entry {
				e.Body++
				return e
			})
		})
	}
}
