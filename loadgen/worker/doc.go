// Package worker generates one load from many processes, on one machine or on many, over NATS.
//
// Start with [Control], which gathers workers, gives each a shard of a job's plan, lets them begin
// at one instant and adds up what they measured, and [Serve], which is one worker. Both own their
// goroutines and wait for them. [OpenBroker] is a NATS server for those who have none.
//
// The decisions are those of a [Roster], a pure core: who has joined, is ready, runs, has reported
// or is lost. The controller knows the plan, so what a lost worker had not reported is counted as
// never sent, with its waiting time. Messages are JSON, in parts where they are too long for the
// server, each acknowledged.
//
// It does not start processes on other machines, and hands no work of a lost worker to another:
// a load that changes its generators midway is no measurement.
package worker
