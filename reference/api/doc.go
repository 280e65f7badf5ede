// Package api is the contract of the RetailFlow platform: the OpenAPI document that the
// gateway routes by, the CloudEvents that storefronts send, the Protocol Buffers messages
// that carry them behind ingestion, ids and their minutes, and money.
//
// Start with [Document] and [CloudEvent]; inside the platform with [Event] and [Record].
// It is a leaf: pure values, no clock, no goroutine, no I/O. It does not decide who may call
// what, and it does not aggregate.
package api

//go:generate protoc -I . --go_out=. --go_opt=paths=source_relative events.proto
