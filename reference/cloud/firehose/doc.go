// Package firehose is the embedded Amazon Data Firehose: Direct PUT streams that
// buffer records by size or time, whichever is reached first, and deliver them
// as objects to S3, served over the AWS JSON 1.1 protocol.
//
// The two entry points are Open, which takes up again what was not delivered,
// and Service.ServeAWS, a wire.Handler. Objects is what it delivers to.
//
// A record is durable in the shared Pebble database before its put is answered.
// A buffer that is full or due is sealed: its range of records and the name of
// its object are written down, durably, before the first attempt to deliver.
// So the same records always get the same name, whatever crashes, and they are
// deleted only after the object was put. Delivery is retried for ever.
//
// Each stream has one goroutine that delivers; Close stops it and waits. Close
// does not deliver what is buffered: that stays for the next Open.
//
// The package does not transform, compress, encrypt, partition or convert, and
// knows no other destination than S3.
package firehose
