package quota

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFourDecreasesThenOneAnHour(t *testing.T) {
	var d Decreases
	for i := range 4 {
		require.True(t, d.Allow(epoch.Add(time.Duration(i)*time.Minute)))
	}
	now := epoch.Add(4 * time.Minute)
	require.False(t, d.Allow(now))
	require.Equal(t, epoch.Add(63*time.Minute), d.Next(now))
	require.False(t, d.Allow(epoch.Add(62*time.Minute)))
	require.True(t, d.Allow(epoch.Add(63*time.Minute)))
	require.Equal(t, 5, d.On(epoch.Add(64*time.Minute)))
	tomorrow := epoch.Add(24 * time.Hour)
	require.Equal(t, 0, d.On(tomorrow))
	require.True(t, d.Allow(tomorrow))
}

func TestTheFreeDecreasesFallInOneHour(t *testing.T) {
	var d Decreases
	require.True(t, d.Allow(epoch))
	require.True(t, d.Allow(epoch.Add(5*time.Hour)))
	require.False(t, d.Allow(epoch.Add(5*time.Hour+time.Minute)))
	require.True(t, d.Allow(epoch.Add(6*time.Hour)))
}

func TestNoDayHasMoreThan27Decreases(t *testing.T) {
	var d Decreases
	all := 0
	for now := epoch; now.Before(epoch.Add(24 * time.Hour)); now = now.Add(time.Second) {
		if d.Allow(now) {
			all++
		}
	}
	require.Equal(t, 27, all)
	require.Equal(t, epoch.Add(24*time.Hour), d.Next(epoch.Add(24*time.Hour-time.Second)))
}

// The allowance is what one reads in a list of all decreases.
func TestDecreasesAgreeWithTheirHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Decreases
		var history []time.Time
		now := epoch
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 10, 59, 60, 61, 300}).Draw(t, "minutes")) * time.Minute)
			var today []time.Time
			for _, at := range history {
				if at.YearDay() == now.YearDay() {
					today = append(today, at)
				}
			}
			n := len(today)
			want := n == 0 || n < 4 && now.Sub(today[0]) < time.Hour || now.Sub(today[n-1]) >= time.Hour
			if next := d.Next(now); want != next.Equal(now) || next.Before(now) {
				t.Fatalf("next at %s, now %s", next, now)
			}
			if got := d.Allow(now); got != want {
				t.Fatalf("at %s after %v: %v, want %v", now, today, got, want)
			}
			if want {
				history = append(history, now)
			}
		}
	})
}
