// Package reports is the result of a run: what was measured, which checks were made, what they
// prove, and the verdict that follows.
//
// The two entry points are [Result], the value that a run fills and that report.json carries,
// and [Judge], which turns checks into a [Verdict]; subpackages html, junit, markdown and json
// render a result, stat does the arithmetic. Everything here is a pure value: no clock, no
// goroutine, no I/O. It does not gather anything: package scenarios/run does.
package reports
