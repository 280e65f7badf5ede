// Package fault is what goes wrong on purpose, as values: faults that print themselves in one
// line and parse back, the seeded moments at which they strike, when a run applies and heals
// them, and the leases under which an agent holds them.
//
// Start with [Parse] and [Leases]. Everything is pure: time is an argument, an elapsed duration
// of the run in schedules and of the boot clock in leases; nothing here locks, sleeps or does
// I/O. Applying and reverting is done in chaos/faults, holding in chaos/agent. The package is a
// leaf.
package fault
