package stat

import "math"

// power is the probability with which the answers that [HarmOptions.NeedRequests] asks for
// settle the question; powerZ is its normal quantile.
const powerZ = 1.2816 // 90 %

// NeedRequests is about how many answers of the new version it takes to prove a harm of the
// given size (an extra share of bad answers, above MinEffect), 9 times in 10, when the new
// version gets the share weight of the traffic and the stable one answers stableRate badly.
// It is -1 if no number does: no harm above MinEffect, or nothing beside to compare with.
func (o HarmOptions) NeedRequests(weight, stableRate, effect float64) int64 {
	o = o.EnsureDefaults()
	n := null{margin: o.MinEffect}
	return o.need(n, weight, clampRates(stableRate, stableRate+effect), len(harmful(o.MinEffect)))
}

// NeedToExclude is about how many answers of a harmless new version it takes before
// [HarmTest.SmallestExcluded] is at most effect, 9 times in 10; see [HarmOptions.NeedRequests].
func (o HarmOptions) NeedToExclude(weight, stableRate, effect float64) int64 {
	o = o.EnsureDefaults()
	return o.need(null{margin: effect, atLeast: true}, weight, clampRates(stableRate, stableRate), len(harmless(effect)))
}

// Detectable is the smallest harm that so many answers of the new version prove 9 times in 10;
// 1 if not even total failure.
func (o HarmOptions) Detectable(canaryRequests int64, weight, stableRate float64) float64 {
	low, high := 0.0, 1-stableRate
	enough := func(effect float64) bool {
		n := o.NeedRequests(weight, stableRate, effect)
		return n >= 0 && n <= canaryRequests
	}
	if !enough(high) {
		return 1
	}
	for range 40 {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// need solves n·growth - z·√(n·variance) = log(1/alpha) + the price of not knowing the
// alternative, where growth and variance are those of the best bet for each answer of the canary.
func (o HarmOptions) need(h null, weight float64, truth rates, experts int) int64 {
	if weight <= 0 || weight >= 1 || h.holds(truth) {
		return -1
	}
	beside := (1 - weight) / weight
	nearest := h.project(truth, beside, 1)
	growth := beside*entropy(truth.stable, nearest.stable) + entropy(truth.canary, nearest.canary)
	variance := beside*spread(truth.stable, nearest.stable) + spread(truth.canary, nearest.canary)
	if growth <= 0 {
		return -1
	}
	price := math.Log(1/o.Alpha) + math.Log(2*float64(experts))
	root := (powerZ*math.Sqrt(variance) + math.Sqrt(powerZ*powerZ*variance+4*growth*price)) / (2 * growth)
	if n := math.Ceil(root * root); n < math.MaxInt32 {
		return int64(n)
	}
	return -1
}

// entropy is the relative entropy of two coins, spread the variance of their log ratio under p.
func entropy(p, q float64) float64 {
	return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))
}

func spread(p, q float64) float64 {
	odds := math.Log(p/q) - math.Log((1-p)/(1-q))
	return p * (1 - p) * odds * odds
}

func clampRates(stable, canary float64) rates {
	const edge = 1e-4
	return rates{min(max(stable, edge), 1-edge), min(max(canary, edge), 1-edge)}
}
