// Package attack sends a plan over HTTP and says, request by request, what became of it,
// counted from the time at which it was meant to start.
//
// Start with [Run], which blocks until every planned request has an outcome, and [Result].
// vegeta's attacker paces and carries the requests, with the plan as its Pacer; a transport
// of ours finds the plan entry of each hit by its sequence number, keeps the times and calls
// the hooks. Bodies are made just ahead of their sending by a bounded number of goroutines.
// Run owns all goroutines and waits for them. [Timeline] counts results by the second,
// [Watch] is the generator's watch on itself.
//
// A request that the plan asked for is never forgotten: what could not be sent is reported
// unsent with its waiting time. After a stop no request is sent. It does not retry, and it
// does not judge answers.
package attack
