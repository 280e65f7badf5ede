// Package disk keeps a Pebble database alive on a file system that fails or is full.
//
// Pebble takes an error of its log or manifest for the end of the process. [FS] stands between:
// an operation on those files that fails is repeated until it succeeds, and meanwhile the disk
// counts as sick, which [FS.Sick] and [FS.Err] tell. The database sees a slow disk, never a
// broken one, so nothing has to be reopened when space returns. Tables, which flushes and
// compactions write, do fail: Pebble writes them anew, and FS only holds it back from trying in
// a loop. They make the disk sick once Pebble stalls writes because of them.
//
// After a failed sync the kernel may have dropped what it could not write and call it clean, so
// that a second sync succeeds with data missing (https://lwn.net/Articles/752063/). FS keeps
// what a file has got since its last sync, and writes it again before it syncs again.
//
// It also lays the log out ahead of what is written to it, for the speed of syncs.
//
// [New] and [FS.Arm] are the way in. FS starts no goroutine.
package disk
