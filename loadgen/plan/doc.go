// Package plan draws, before any load, every request of a run: when it is meant to start, of
// which kind, for which tenant and from which seed its body is made.
//
// Start with [New] and range over [Plan.Entries]. A plan is a pure, immutable function of its
// options: equal options give equal entries, byte for byte, whatever the machine, the shard
// count or where reading starts. Requests come as a non-homogeneous Poisson process. Entries
// are drawn second by second, each second from its own random stream, so that a plan of a day
// takes constant memory and can be read from any moment on.
//
// It starts no goroutine, reads no clock and sends nothing; it does not make bodies
// (loadgen/event) and knows of tenants only their weights. Times are elapsed since the load's
// start: the instant of the start, the epoch, belongs to the run.
package plan
