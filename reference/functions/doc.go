// Package functions lists the Lambda functions of the reference and serves one of them in an
// execution environment.
//
// Start with [Handlers], the list, and [Serve], which is all that the program in bootstrap
// does. A [Platform] is what a function finds in its process environment: names of tables and
// streams, and SDK clients that are made when a handler first asks for one. Whoever wants to
// serve another handler under a name takes the list, replaces its entry and serves that.
//
// Serve owns the process: it watches the lifeline, sets the garbage collector and returns only
// on errors. Handlers live in a folder for each context: ingestion, processing, reporting; rest
// is how the gateway's requests are read.
package functions
