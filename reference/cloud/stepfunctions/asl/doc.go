// Package asl interprets the Amazon States Language in its JSONPath form
// (https://states-language.net/spec.html) as AWS Step Functions runs it: the same events, in the
// same order, with the same errors.
//
// Start with [Parse] and [Machine.Begin]. The package is pure: an [Execution] is a value that
// takes the time and what happened (a task's outcome, a stop, the time itself), and returns a
// [Step]: the events for the history, the tasks to invoke and when to be woken. It marshals to
// JSON and continues after [Machine.Resume]; the caller keeps it durable.
//
// Not interpreted, and refused by Parse: JSONata, variables (Assign), distributed Map, activities,
// callbacks (.waitForTaskToken) and service integrations other than Lambda's.
package asl
