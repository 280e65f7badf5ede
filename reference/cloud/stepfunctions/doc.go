// Package stepfunctions is the embedded AWS Step Functions: Standard workflows in the JSONPath
// form of the states language, over the JSON 1.0 protocol, durable in the shared database.
//
// Start with [Open] and mount the [Service] as a wire.Handler under "states".
// [Service.StartExecution] starts an execution from inside the process. Package asl interprets.
//
// Each running execution is one goroutine, and each of its tasks in flight another; Close cancels
// them and waits. An execution's step (what followed from an outcome, a stop or the time) is one
// batch of the database, synced before its tasks are invoked; outcomes that arrive together share
// a batch. After a crash or Close, Open continues every execution: waits end when they would have,
// and tasks that were in flight are invoked again, at least once.
//
// Not done here: Express workflows, activities, callbacks, versions and aliases, tags, map runs,
// redrive.
package stepfunctions
