package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const second = time.Second

func TestWindowOf(t *testing.T) {
	samples := func(pairs ...int64) (out []backlogSample) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, backlogSample{at: time.Duration(pairs[i]) * second, waiting: pairs[i+1]})
		}
		return out
	}
	for _, tc := range []struct {
		name    string
		backlog []backlogSample
		end     time.Duration
	}{
		{"nothing is known of the backlog", nil, 35 * second},
		{"the backlog is gone before the window ends", samples(15, 10, 22, 900, 34, 15, 36, 500), 35 * second},
		{"a backlog lengthens the window while it lasts", samples(15, 10, 30, 900, 35, 400, 38, 21, 39, 20, 45, 900), 39 * second},
		{"twice the usual is the ebb and flow of a buffer", samples(12, 10, 19, 40, 35, 80), 35 * second},
		{"what was usual long before does not count", samples(2, 1000, 19, 5, 36, 11), 37 * second},
		{"any backlog counts where there was none", samples(36, 1), 37 * second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, window{"f", 20 * second, tc.end}, windowOf("f", 20*second, 25*second, tc.backlog))
		})
	}
}

func TestInside(t *testing.T) {
	windows := []window{{"a", 1 * second, 2 * second}, {"b", 5 * second, 6 * second}}
	for at, want := range map[time.Duration]bool{0: false, second: true, 2*second - 1: true, 2 * second: false, 5500 * time.Millisecond: true, 6 * second: false} {
		require.Equal(t, want, inside(windows, at), at)
	}
	require.False(t, inside(nil, 0))
}

func TestCovered(t *testing.T) {
	for _, tc := range []struct {
		name       string
		windows    []window
		start, end time.Duration
		want       time.Duration
	}{
		{"none", nil, 0, 10 * second, 0},
		{"apart, in any order", []window{{"b", 6 * second, 8 * second}, {"a", 1 * second, 2 * second}}, 0, 10 * second, 3 * second},
		{"overlapping", []window{{"a", 1 * second, 5 * second}, {"b", 3 * second, 6 * second}}, 0, 10 * second, 5 * second},
		{"one in another", []window{{"a", 1 * second, 9 * second}, {"b", 3 * second, 4 * second}}, 0, 10 * second, 8 * second},
		{"beyond both ends", []window{{"a", 1 * second, 30 * second}}, 5 * second, 10 * second, 5 * second},
		{"outside", []window{{"a", 11 * second, 30 * second}}, 0, 10 * second, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, covered(tc.windows, tc.start, tc.end))
		})
	}
}
