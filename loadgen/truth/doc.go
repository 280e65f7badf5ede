// Package truth measures how true a load generator's latencies are: a server that misbehaves on a
// known schedule, the answer times that an ideal open-loop generator would have seen, and the
// comparison of what a tool said with them.
//
// Start with [Calibrate], which runs [Rows] through this project's own generator and
// through other tools where they are installed. [Serve] is the server, a process of its own, so
// that its delays do not share a scheduler with the generator's; [Schedule] and [Ideal] are pure.
//
// The truth of a request is that of its plan, not of its sending: had it arrived at its planned
// time, the schedule says when its last byte would have left, and the server's log says by how
// much the server itself was off.
package truth
