// Package cloud wires the embedded AWS services together and serves any subset of them on one
// address: requests signed with Signature Version 4 go to the service that the signature names,
// everything else to the API Gateway's data plane or to the admin pages under /_stampede/.
//
// Start with [Open] and [Cloud.Close]; [Stats] is what the admin page tells. A Cloud owns the
// goroutines of its services and of its listener, and Close waits for all of them. It decides
// nothing: limits, durability and protocols are the services' own.
package cloud
