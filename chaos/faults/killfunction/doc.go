// Package killfunction kills execution environments of a function with SIGKILL while they are
// inside an invocation, again and again while the fault lasts.
//
// Start with [New]. The cloud's admin page says which environments are busy; invocations are
// short, so it is asked every few milliseconds until one is. A hit is a process that the cloud
// itself counts as dead inside an invocation (died_busy), not one that we believe we struck.
// There is nothing to revert but to stop. Apply starts one goroutine, Revert waits for it.
package killfunction
