// Package ledger is the ground truth of a run: what was sent, what was answered, and what the
// system must therefore hold.
//
// Start with [Create]: every attempt is journaled with [Ledger.Begin] before it is sent and
// with [Ledger.End] when its outcome is known. After the load [Ledger.Reconcile] compares the
// journal with what the system says it holds ([Sinks]), and returns one [Check] for each thing
// that can go wrong, with its numbers and examples.
//
// Checks form a chain: sent → event blocks → minutes → hours → days → answers. Each owns one
// link: it compares a level with the truth, and forgives what merely repeats an error of the
// level below, so that one defect fails the one check that names it. All links together say
// that every answer equals what was sent, to the cent.
//
// What was sent and what is present is spilled to disk beside the journal and compared in parts,
// a tenant's events together, so that a day of millions fits. The parts are removed again.
//
// The journal survives the death of the harness; an attempt without an end is one whose
// outcome is unknown. Begin and End are safe for concurrent use; no goroutine is started. The
// package reads no clock and no sink by itself, and it shares no arithmetic with the system's
// own roll-ups.
package ledger
