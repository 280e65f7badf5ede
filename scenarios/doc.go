// Package scenarios is what a drill is made of, as a value: load, mix, delivery settings, faults,
// releases and objectives; and the YAML that says so.
//
// Start with [Open], which finds a scenario by name or file, or [Parse], which reads text. Both
// report every mistake at once, each as file:line:col with what is allowed there ([Diagnostics]).
// A [Scenario] is plain data that knows its own length, windows and text; it starts nothing:
// package scenarios/run does. No goroutines, no clock; only Open reads a file.
package scenarios
