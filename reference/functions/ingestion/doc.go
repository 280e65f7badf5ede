// Package ingestion is the front door of the event flow: ingest-events takes CloudEvents
// batches, ingest-webhooks takes what the shop platforms send. Both validate every event once,
// turn it into an [api.Record] and answer 2xx only after the delivery streams have it on disk.
//
// Start with [NewEvents] and [NewWebhooks]; both are lambda.Handler values that get and give
// raw payloads, so that nothing is decoded twice. They own no goroutine but the two that a
// [Delivery] keeps for concurrent calls until its Close. Nothing is deduplicated here: an id
// decides where its event lands, so a repeated request, or one that failed in part, is safe
// to send again.
//
// CPU (one core, batch of 20, as BenchmarkEvents prints it) is what this package is written
// for: strings point into the request, events are encoded by hand, and JSON is read once.
package ingestion
