package eventbridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func utc(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestSchedulesAreDueWhenTheySay(t *testing.T) {
	for _, c := range []struct{ expression, after, want string }{
		{"rate(1 minute)", "2026-05-01 12:00:30", "2026-05-01 12:01:10"},
		{"rate(1 minute)", "2026-05-01 12:01:10", "2026-05-01 12:02:10"},
		{"rate(5 minutes)", "2026-05-01 12:00:10", "2026-05-01 12:05:10"},
		{"rate(1 hour)", "2026-05-03 12:00:09", "2026-05-03 12:00:10"},
		{"rate(2 days)", "2026-05-01 00:00:00", "2026-05-03 12:00:10"},
		{"cron(* * * * ? *)", "2026-05-01 12:00:59", "2026-05-01 12:01:00"},
		{"cron(0/15 * * * ? *)", "2026-05-01 12:15:00", "2026-05-01 12:30:00"},
		{"cron(0 10 * * ? *)", "2026-12-31 10:00:00", "2027-01-01 10:00:00"},
		{"cron(15 12 ? * MON-FRI *)", "2026-05-01 12:15:00", "2026-05-04 12:15:00"},
		{"cron(0 8 1 * ? *)", "2026-05-01 08:00:00", "2026-06-01 08:00:00"},
		{"cron(5,10 8-10 ? * 7 *)", "2026-05-01 00:00:00", "2026-05-02 08:05:00"},
		{"cron(0 0 29 FEB ? *)", "2026-05-01 00:00:00", "2028-02-29 00:00:00"},
		{"cron(0 0 1 1 ? 2030)", "2026-05-01 00:00:00", "2030-01-01 00:00:00"},
		{"cron(0 0 31 6 ? *)", "2026-05-01 00:00:00", ""},
		{"cron(0 0 1 1 ? 2020)", "2026-05-01 00:00:00", ""},
	} {
		s, err := parseSchedule(c.expression)
		require.NoError(t, err, c.expression)
		got := s.next(utc("2026-05-01 12:00:10"), utc(c.after))
		want := time.Time{}
		if c.want != "" {
			want = utc(c.want)
		}
		if !got.Equal(want) {
			t.Errorf("%s after %s: got %s, want %s", c.expression, c.after, got, want)
		}
	}
	for _, bad := range []string{"", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(1 second)", "rate(5 minutes", "every minute",
		"cron(* * * * *)", "cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)", "cron(* * L * ? *)", "cron(5-1 * * * ? *)", "cron(1/0 * * * ? *)", "cron(? * * * ? *)"} {
		_, err := parseSchedule(bad)
		require.Error(t, err, bad)
	}
}

func TestRetriesGrowAndEndAfterADay(t *testing.T) {
	start := utc("2026-05-01 12:00:00")
	o := newOutbox()
	limits := AWSLimits()
	o.add(delivery{seq: 7, accepted: start, due: start, retries: limits.Retries, age: limits.EventAge})
	now, last := start, time.Duration(0)
	attempts := 0
	for {
		d, ok := o.take(now)
		require.True(t, ok)
		_, ok = o.take(now)
		require.False(t, ok, "one attempt at a time")
		attempts++
		if !o.failed(now, d.seq) {
			break
		}
		at, ok := o.wake()
		require.True(t, ok)
		step := at.Sub(now)
		if attempts < 11 {
			require.Greater(t, step, last/2, "attempt %d", attempts)
		}
		require.LessOrEqual(t, step, lastPause)
		_, ok = o.take(at.Add(-1))
		require.False(t, ok)
		now, last = at, step
	}
	_, ok := o.wake()
	require.False(t, ok)
	require.Zero(t, o.oldest())
	require.Equal(t, 186, attempts, "185 retries come before 24 hours")
	require.InDelta(t, 18, now.Sub(start).Hours(), 6)

	o.add(delivery{seq: 8, accepted: start, due: start, retries: 1000, age: time.Minute})
	for now = start; ; now, _ = o.wake() {
		d, ok := o.take(now)
		require.True(t, ok)
		if !o.failed(now, d.seq) {
			break
		}
	}
	require.Less(t, now.Sub(start), time.Minute)
}

func TestDeliveriesAreTakenInOrderOfTime(t *testing.T) {
	start := utc("2026-05-01 12:00:00")
	o := newOutbox()
	for seq, after := range []int{3, 1, 2, 1} {
		o.add(delivery{seq: uint64(seq), accepted: start, due: start.Add(time.Duration(after) * time.Second)})
	}
	var got []uint64
	for d, ok := o.take(start.Add(time.Minute)); ok; d, ok = o.take(start.Add(time.Minute)) {
		got = append(got, d.seq)
		o.done(d.seq)
	}
	require.Equal(t, []uint64{1, 3, 2, 0}, got)
	require.Empty(t, o.flying)
}

func FuzzSchedule(f *testing.F) {
	f.Add("rate(5 minutes)")
	f.Add("cron(0/15 8-10 ? JAN,FEB MON-FRI 2020-2030)")
	after := utc("2026-05-01 12:00:10")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSchedule(text)
		if err != nil {
			return
		}
		if at := s.next(after, after); !at.IsZero() && !at.After(after) {
			t.Fatalf("%q: next after %s is %s", text, after, at)
		}
	})
}

func FuzzDecodeDelivery(f *testing.F) {
	b, err := encodeDelivery(deliveryRecord{Rule: "r", Target: "arn"}, []byte("payload"))
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, payload, err := decodeDelivery(b)
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
			return
		}
		again, err := encodeDelivery(r, payload)
		require.NoError(t, err)
		r2, payload2, err := decodeDelivery(again)
		require.NoError(t, err)
		require.Equal(t, r, r2)
		require.Equal(t, string(payload), string(payload2))
	})
}
