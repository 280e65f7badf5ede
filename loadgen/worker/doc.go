// Package worker generates one load from many processes, on one machine or on many, over NATS.
// [OpenBroker] is a NATS server for those who have none.
package worker
