// Package attack sends a plan over HTTP and says, request by request, what became of it,
// counted from the time at which it was meant to start.
//
// Start with [Run], which blocks until every planned request has an outcome, and [Result].
// A [Sender] hands requests to connections at their times: a pacer of ours that is woken by the
// kernel to the microsecond, or vegeta's attacker with the plan as its Pacer; [Closed] users wait
// for their answers instead. Bodies are made just ahead of their sending by a bounded number of
// goroutines. An attempt's time is traced in parts, [Retry] tries again as a client would.
// Run owns all goroutines and waits for them. [Watch] is the generator's watch on itself.
//
// A request that the plan asked for is never forgotten: what could not be sent is reported
// unsent with its waiting time. After a stop no request is sent. It judges
// no answer but by Options.Check.
package attack
