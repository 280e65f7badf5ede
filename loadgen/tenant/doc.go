// Package tenant makes the population of synthetic retailers that a load is sent for: names,
// platforms, zones, currencies, sizes and credentials, drawn from package model's population by a seed.
//
// Start with [New], or with [Draw] where nothing is signed; [Weights] and [WebhookWeights] are what loadgen/plan draws tenants by. It is
// pure: no goroutine, no clock, no I/O. Nothing in a tenant belongs to a real shop: names are
// made of dictionary words, hosts lie under example.com (RFC 2606). It does not register
// tenants anywhere.
//
// Zones are looked up in the time zone data of the host or, failing that, in the copy that
// this package links into the program.
package tenant

import _ "time/tzdata" // a machine without zone data must still know its tenants' days
