// Package store keeps DynamoDB tables in Pebble: items under order-preserving keys, indexes
// beside them, every request one batch.
//
// [Open] and [Store.Begin] are the way in: a [Unit] locks the partition keys it works on, reads,
// and commits. [Store.Query], [Store.Scan] and [Store.Get] read. Close waits for everything.
//
// # Durability
//
// A write is answered after its batch was synced; Pebble groups the syncs of callers that come
// together. Locks are not held across a sync. That leaves writes that can be seen but are not
// yet durable, and whoever saw one must not answer before it is: a commit therefore marks the
// lock stripes it holds before it becomes visible, and readers, failed conditions included, wait
// for the mark of what they read. Batches reach the log in the order in which they became
// visible, so the last mark of a stripe stands for all before it.
//
// A disk that fails makes commits wait, not fail (package disk). Carriers wait in place of the
// callers, who are told [ErrUnavailable] at once, as is who wants what waits.
//
// The package knows keys, documents and indexes. It knows neither the wire nor expressions nor
// capacity.
package store
