// Package reporting answers questions about roll-ups: query-analytics, the read side of the
// reference.
//
// Start with [NewAnalytics], a lambda.Handler of raw payloads. Which roll-ups answer a question
// is decided by the store's plan; this package reads them, keeps them in the container, sums
// and answers. What a container keeps is bounded in bytes and by age: open buckets and dirty
// markers are read anew after 2 s. Closed buckets stay, but every 5 s their generations are
// compared with the table's, a query without bodies, since a late event changes a bucket of
// any age. Equal reads at the same time become one.
//
// It owns no goroutine beyond a call. It computes nothing that a roll-up does not hold, and
// it writes nothing.
package reporting
