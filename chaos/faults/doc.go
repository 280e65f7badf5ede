// Package faults lists the faults that can be applied, each in a folder of its own.
//
// Start with [New]. A [Fault] turns a fault.Fault, a value, into deeds: what it will have to
// undo is known before it does anything, so that a holder can write that down first. Faults own
// the goroutines they start and wait for them in Revert. When to apply and to revert is the
// agent's business (chaos/agent).
package faults
