// Package quota holds the limits of AWS as pure state machines: token buckets, partitions,
// concurrency, and the record of what was refused. The embedded services apply them to live
// requests; tests and simulators drive the same values on a clock of their own.
//
// Start with [TokenBucket] and [HitSet]; [Partitions] is DynamoDB's capacity, [TargetTracking] its
// auto scaling. Every method that depends on time takes it as its
// first argument. Nothing here locks, sleeps, logs or does I/O: a shell guards a value with
// its own mutex and decides what to do with a refusal. The package is a leaf.
package quota
