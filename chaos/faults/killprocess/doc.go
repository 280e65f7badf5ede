// Package killprocess kills one of our own processes with SIGKILL, once, and sees it come back.
//
// Start with [New]. The process is named by its pid file, `<run folder>/<target>.pid`, which its
// supervisor writes at each start; restarting is the supervisor's work, so the fault has nothing
// to revert. A hit is a new number in the file. No goroutine is started.
package killprocess
