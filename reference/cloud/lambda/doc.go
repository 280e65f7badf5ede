// Package lambda is AWS Lambda embedded: functions, immutable versions, weighted aliases and
// event source mappings behind Lambda's own REST API, each execution environment a real
// operating system process that speaks the real Runtime API.
//
// Start with [Open] and [Service.Invoke]; [Service.ServeAWS] is the wire. What was answered is
// durable: functions, versions, aliases, mappings and asynchronous events are in the Pebble
// database of [Options], code is content-addressed in a folder beside it. Open starts the
// reaper, the asynchronous dispatcher and the mappings' pollers; every environment adds its
// process and the goroutines that watch it; [Service.Close] waits for all of them, and no
// process outlives the service, not even when it is killed (package lifeline).
//
// Scaling is on demand as on AWS: an invocation that finds no idle environment starts one at
// once, up to the limits. As on AWS too, it is not bound to the environment it started: when
// another becomes free first, that one takes the invocation and the new one stays warm
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, on
// environments initialised ahead of need). An environment whose answer was sent but which has
// not yet asked for the next invocation counts as about to be free.
//
// Not done: layers, container images, extensions, memory and CPU shares (MemorySize is
// recorded and billed, not imposed), response streaming, function URLs, provisioned
// concurrency, destinations, IAM.
package lambda
