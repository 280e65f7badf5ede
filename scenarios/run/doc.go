// Package run carries out a drill: it boots the platform as supervised processes, sends the
// planned load, breaks things on schedule, moves releases, waits until everything has come to
// rest, holds every sink against the ledger, and writes the report.
//
// Start with [Drill] and [Options]. Drill owns all goroutines and child processes and ends them
// before it returns; if this process is killed, the children end by themselves. It measures and
// composes: arithmetic is reports/stat's, truth is chaos/ledger's, and what a fault does is the
// agent's.
package run
