// Package job is one load against one address, as a value: what is sent, when, how, and what an
// answer must be. It is what `stampede load` reads from its flags and what a worker is sent.
//
// Start with [Job], which is JSON and says all its faults at once, and [Run], which sends it or one
// shard of it and returns a [Result]. Results of shards can be merged exactly. Run owns all its
// goroutines and waits for them.
//
// It knows requests only as bytes: what a platform must make of them is the business of
// scenarios/run.
package job
