// Package stack creates the resources of the reference — tables, streams, queues, rules,
// functions, state machine, API, tenants — through AWS's own APIs, as a template would.
//
// Start with [Apply], which converges: what exists and differs is changed, and what does not differ
// costs no call but the one that says so. [NewClients] gives
// SDK clients for the same endpoints. Apply starts goroutines for independent resources and
// waits for them. It does not move releases (package deploy does) and deletes nothing.
package stack
