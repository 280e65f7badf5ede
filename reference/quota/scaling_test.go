package quota

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// follow runs a policy over minutes of consumption and lists what is provisioned after each.
func follow(p ScalingPolicy, provisioned int64, consumed ...float64) (out []int64) {
	var t TargetTracking
	for i, c := range consumed {
		provisioned, _ = t.Minute(epoch.Add(time.Duration(i+1)*time.Minute), p, c, provisioned)
		out = append(out, provisioned)
	}
	return out
}

func repeat(n int, c float64) (out []float64) {
	for range n {
		out = append(out, c)
	}
	return out
}

var seventy = ScalingPolicy{Min: 5, Max: 1000, Target: 0.7}

func TestScaleOutNeedsTwoMinutesAboveTheTarget(t *testing.T) {
	require.Equal(t, []int64{100, 115}, follow(seventy, 100, 80, 80))
	require.Equal(t, []int64{100, 100, 100, 115}, follow(seventy, 100, 80, 60, 80, 80), "in a row")
	require.Equal(t, []int64{100, 1000}, follow(seventy, 100, 800, 800), "at most the maximum")
	require.Equal(t, []int64{100, 100, 100}, follow(seventy, 100, 70, 70, 70), "at the target is not above it")
}

func TestScaleInNeedsFifteenMinutesFarBelowTheTarget(t *testing.T) {
	out := follow(seventy, 100, repeat(16, 20)...)
	require.Equal(t, int64(100), out[13])
	require.Equal(t, int64(29), out[14])
	require.Equal(t, int64(100), follow(seventy, 100, repeat(40, 55)...)[39], "55 % is within 20 % of 70 %")
	require.Equal(t, int64(5), follow(seventy, 100, repeat(15, 1)...)[14], "at least the minimum")
	require.Equal(t, int64(100), follow(seventy, 100, repeat(40, 0)...)[39], "no traffic is no data point")
	never := seventy
	never.DisableScaleIn = true
	require.Equal(t, int64(100), follow(never, 100, repeat(40, 1)...)[39])
}

func TestCooldownsPutChangesOff(t *testing.T) {
	slow := seventy
	slow.ScaleOutCooldown = 5 * time.Minute
	require.Equal(t, []int64{100, 115, 115, 115, 115, 115, 429}, follow(slow, 100, 80, 80, 300, 300, 300, 300, 300))
	slow = seventy
	slow.ScaleInCooldown = 20 * time.Minute
	out := follow(slow, 100, append([]float64{80, 80}, repeat(30, 20)...)...)
	require.Equal(t, int64(115), out[20])
	require.Equal(t, int64(29), out[21])
}

func TestOutsideItsBoundsCapacityIsMovedAtOnce(t *testing.T) {
	require.Equal(t, []int64{5}, follow(seventy, 1, 0))
	require.Equal(t, []int64{1000}, follow(seventy, 4000, 0))
}

// The decision is what one reads in the list of all minutes since the last change.
func TestTargetTrackingAgreesWithAllMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := ScalingPolicy{
			Min: 5, Max: 500, Target: float64(rapid.IntRange(20, 90).Draw(t, "target")) / 100, DisableScaleIn: rapid.Bool().Draw(t, "no scale in"),
			ScaleOutCooldown: time.Duration(rapid.IntRange(0, 10).Draw(t, "out")) * time.Minute, ScaleInCooldown: time.Duration(rapid.IntRange(0, 30).Draw(t, "in")) * time.Minute,
		}
		var tracking TargetTracking
		provisioned := int64(rapid.IntRange(5, 500).Draw(t, "provisioned"))
		var since []float64 // shares consumed since the last change
		changed, now := time.Time{}, epoch
		last := func(n int, is func(float64) bool) bool {
			if len(since) < n {
				return false
			}
			for _, share := range since[len(since)-n:] {
				if !is(share) {
					return false
				}
			}
			return true
		}
		var consumed float64
		for range rapid.IntRange(1, 80).Draw(t, "minutes") {
			now = now.Add(time.Minute)
			if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
				consumed = float64(rapid.SampledFrom([]int{0, 1, 10, 100, 400}).Draw(t, "consumed"))
			}
			since = append(since, consumed/float64(provisioned))
			want := min(max(int64(math.Ceil(consumed/p.Target)), p.Min), p.Max)
			cool := func(d time.Duration) bool { return changed.IsZero() || now.Sub(changed) >= d }
			out := last(2, func(s float64) bool { return s > p.Target }) && want > provisioned && cool(p.ScaleOutCooldown)
			in := last(15, func(s float64) bool { return s > 0 && s < p.Target-0.2 }) && want < provisioned && cool(p.ScaleInCooldown) && !p.DisableScaleIn
			if !out && !in {
				want = provisioned
			}
			got, moved := tracking.Minute(now, p, consumed, provisioned)
			if got != want || moved != (got != provisioned) {
				t.Fatalf("at %s with %g of %d: %d %v, want %d", now.Sub(epoch), consumed, provisioned, got, moved, want)
			}
			if moved {
				provisioned, changed, since = got, now, nil
			}
		}
	})
}
