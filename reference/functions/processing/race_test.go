//go:build race

package processing

// underRace says that every step costs ten times as much. An interleaving plays in one
// goroutine, so the race detector has little to find in more of them.
const underRace = true
