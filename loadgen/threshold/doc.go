// Package threshold is the language in which a load's limits are written: one comparison of a
// figure with a bound.
//
//	p99(latency) < 142ms
//	p99(latency{endpoint=summary}) < 50ms
//	rate(errors) < 0.1%
//	rate(requests) >= 1000/s
//	count(dropped) == 0
//
// Start with [Parse]; [Threshold.Judge] holds one against [Figures], which whoever measured
// provides. A threshold over no data fails: that nothing was measured is not good news.
//
// The package is pure: it measures nothing, and it does not know where figures come from.
package threshold
