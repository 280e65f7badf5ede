package quota

import (
	"math"
	"math/rand/v2"
	"time"
)

// Latency draws times that a service takes: half of them are below Median, one of a hundred
// above P99, log-normal as measured request times are. The zero value is no time at all.
type Latency struct {
	Median time.Duration `yaml:"median"`
	P99    time.Duration `yaml:"p99"` // not above Median means always Median
}

// normal99 is the 0.99 quantile of the standard normal distribution.
const normal99 = 2.3263478740408408

// Draw is the next time. It takes one number from rng, or none where there is nothing to draw.
func (l Latency) Draw(rng *rand.Rand) time.Duration {
	if l.Median <= 0 || l.P99 <= l.Median {
		return max(l.Median, 0)
	}
	sigma := math.Log(float64(l.P99)/float64(l.Median)) / normal99
	return time.Duration(float64(l.Median) * math.Exp(sigma*rng.NormFloat64()))
}
