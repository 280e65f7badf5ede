// Package stat is the statistics of a run: mergeable latency histograms, bounds on quantiles
// and proportions that hold without assuming a distribution, and the sequential test that
// decides whether a release does harm.
//
// Start with [Histogram] and, for releases, [HarmTest]. It is a leaf of pure values: no clock,
// no goroutine, no lock, no I/O and no randomness, so a caller that shares a value between
// goroutines guards it. It does not know objectives or verdicts: package reports does.
package stat
