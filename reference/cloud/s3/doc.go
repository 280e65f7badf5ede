// Package s3 is the embedded Amazon S3: the Versity gateway (github.com/versity/versitygw) over
// a directory of plain files, with the two things it lacks and Amazon has. An answered write
// survives a loss of power, and an answered object creation is announced at least once.
//
// Start with [Open]; mount the [Service], which is an http.Handler that sees raw requests, since
// the gateway verifies SigV4 and chunked payloads itself. [Service.Put] writes from inside the
// process without HTTP.
//
// The order of a creating call (PutObject, CopyObject, CompleteMultipartUpload, browser POST):
// intent synced to the database, gateway writes, file and folder chain synced, event marked due,
// answer, event delivered until accepted, event removed. An intent found at [Open] is settled by
// looking for its object. A duplicate event is possible, a lost one is not.
//
// Open owns two goroutines (gateway and event delivery); Close waits for both and for their
// children.
//
// Bounds set by the gateway: one [Service] at a time in a process, and the process's working
// folder is the object root while it is open, so that paths elsewhere have to be absolute.
// Not done here: versioning, bucket notification documents (every creation is announced and the
// rules of EventBridge choose), tags and access lists surviving a loss of power, storage classes.
package s3
