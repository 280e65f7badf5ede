// Package deploy moves releases: a set of functions goes up a ladder of alias weights together,
// is judged by what the new versions answer beside the old ones, and is promoted or rolled back.
// It also holds the definition of the roll-up state machine ([RollUpDefinition]).
//
// Start with [NewController] and [Controller.Run]. The core, [Rollout], is pure: it folds the
// records of a [Journal] and says what to do next; the controller does it, records it, and can die
// between any two steps: Run on the same journal continues. The journal is a file outside the
// system under test, synced at every decision.
//
// Every alias write carries the RevisionId that the controller last saw. Each Run and each rollback
// opens a new epoch in the journal, and a controller that finds a newer epoch than its own stops
// with [ErrFenced] before it writes again, so that a revived one undoes nothing.
//
// Judgement is a sequential test on errors and on slow answers for each function, valid at any
// moment; alpha bounds the chance that a healthy release is ever rolled back. Time scaling shortens
// the waiting on a rung and nothing else; the stopwatch of a rollback is wall time.
//
// Run starts no goroutine. Not done here: publishing versions, judging functions without requests
// (mark them Unjudged), and repairing data, which the caller's Repair does.
package deploy
