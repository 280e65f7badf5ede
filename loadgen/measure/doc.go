// Package measure keeps what became of the requests of a load in bounded memory: counters and
// HDR histograms by endpoint, class of tenant and status.
//
// Start with [New] and [Set.Add], one [Outcome] for every planned request; [Set.Select] adds up
// what matches, and a Set is what package threshold judges. Sets of equal timeouts can be merged
// exactly, and read back from their JSON, which is how workers report. A [Course] is the load
// second by second, and [Course.Fit] says how well what was sent follows the plan.
//
// Latency counts from the planned time. What was refused, failed or never sent counts at the
// timeout at least, so that a fast refusal never looks like a fast answer.
//
// It is pure: no clock, no lock. Whoever shares a Set guards it.
package measure
