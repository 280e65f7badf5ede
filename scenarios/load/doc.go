// Package load runs a load against one address and reports it: it is what `stampede load` does
// once its flags are read.
//
// Start with [Run]: it looks whether the target can be reached, sends a job (loadgen/job) under a
// live line of progress, judges it, and writes the result (reports/loadtest) to its [Output]s.
// Run owns all its goroutines and waits for them. It does not boot anything: drills of the
// platform are scenarios/run.
package load
