// Package event makes the bytes of each planned request and says what must come of them: a
// CloudEvents batch, a webhook as the shop's platform sends and signs it, or a dashboard read, with the facts that the
// ledger expects.
//
// Start with [New] and [Maker.Make]. Both are pure: a request is a function of (seed, epoch,
// plan entry), so a replay has the bytes of its original and a run can be made again. A Maker
// is safe for concurrent use. No goroutine, no clock, no I/O.
//
// Nothing in a body belongs to a person: addresses lie under example.com, .org and .net
// (RFC 2606), telephone numbers are 555-0100 to 555-0199, names are drawn from lists. It does
// not model what a shop would sell when: orders are paid, fulfilled or cancelled in a likely
// proportion, not each in its course.
package event
