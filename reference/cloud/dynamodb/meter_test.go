package dynamodb

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/quota"
)

// BenchmarkMeter is what one write costs in the meter, with and without limits. It reports CPU,
// since the machine may be shared.
func BenchmarkMeter(b *testing.B) {
	for _, limits := range []string{"off", "aws"} {
		for _, warm := range []int64{0, 400_000} {
			b.Run(fmt.Sprintf("limits=%s/warm=%d", limits, warm), func(b *testing.B) {
				l := NoLimits()
				if limits == "aws" {
					l = AWSLimits()
					l.TableWriteUnits = 1e9
				}
				d := &definition{BillingMode: billingOnDemand, KeySchema: make([]keyElement, 2), WarmThroughput: &warmThroughput{0, warm}}
				m := newMeter(d, l, new(atomic.Bool))
				now, key := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), make([]byte, 24)
				refused := 0
				start := cpu()
				for i := range b.N {
					now = now.Add(250 * time.Microsecond)
					h := uint64(i) * 0x9e3779b97f4a7c15
					binary.BigEndian.PutUint64(key[16:], h)
					var c cost
					c.push(charge{at: quota.Position{Hash: h, Rest: key}, units: 1, bytes: 300})
					if m.admit(now, quota.WriteCapacity, &c) != nil {
						refused++
					}
				}
				b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N), "cpu-ns/charge")
				b.ReportMetric(float64(refused)/float64(b.N), "refused/charge")
			})
		}
	}
}

// A call that began before the minute did, and is counted after others, does not wipe what was
// consumed.
func TestALateCallKeepsTheMinuteBefore(t *testing.T) {
	var u usage
	minute := time.Unix(600, 0)
	u.note(minute.Add(-time.Second), quota.WriteCapacity, 300)
	u.note(minute, quota.WriteCapacity, 1)
	u.note(minute.Add(-time.Millisecond), quota.WriteCapacity, 1)
	u.note(minute.Add(time.Second), quota.WriteCapacity, 1)
	require.EqualValues(t, 300, u.last[quota.WriteCapacity])
	require.EqualValues(t, 3, u.running[quota.WriteCapacity])
}
