// Package export publishes the figures of a load while it runs: to whoever scrapes it in
// Prometheus's format, and to receivers of Prometheus's remote write and of OTLP over HTTP.
//
// Start with [Parse] for a destination and [NewMetrics] for what is published; [Destination.Open]
// starts an [Exporter], whose Close sends the last figures and waits for its goroutines. What is
// published is cumulative, so that a push that fails loses nothing that a later one does not say.
package export
