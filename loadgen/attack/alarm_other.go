//go:build !linux

package attack

// newAlarm is the runtime's timer where none finer is known.
func newAlarm(a *attack) alarm { return timer{a} }
