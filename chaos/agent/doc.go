// Package agent holds the faults of a run, in a process of its own, so that they end even when
// everybody else is dead.
//
// Start with [Run] in that process and [NewClient] in the harness; they speak HTTP over a Unix
// socket in the run folder. A fault is applied under a lease (fault.Leases). Its inverse is on
// disk before it is applied, and is run when the lease is healed, when it expires (by the boot
// clock), when the agent starts again after a death (from its journal), and when its lifeline
// ends; after that last one the agent ends too. An inverse that fails is run again until it
// succeeds or the agent must go; what is left then is in the journal for the next agent in the
// same folder.
//
// Run owns all goroutines and waits for them. It decides neither which faults there are
// (chaos/faults) nor when they begin (the harness).
package agent
