// Package lifeline ties the life of a child process to that of its parent, so that no child
// survives a parent that was killed and could clean up nothing.
//
// A parent calls [New] once and [Attach] for each command; it keeps the write end open and
// never writes. A child calls [Watch]: the read end reaches its end when the last holder of
// the write end is gone, however it went. [Spawner] starts the commands on one operating
// system thread of its own, because the kernel's own parent-death
// signal, which Attach asks for too where there is one, is bound to that thread and not to the
// process (prctl(2), PR_SET_PDEATHSIG).
//
// Watch starts one goroutine that lives until the process ends; a Spawner owns one goroutine
// until Close. The package does not stop, restart or wait for children.
package lifeline
