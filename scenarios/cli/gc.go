package cli

import (
	"os"
	"runtime/debug"
)

// collectSeldom lets a generator's heap grow to five times what lives in it, a few tens of
// megabytes, before it is collected: collecting costs a fifth of the CPU of a request otherwise,
// and requests that are due wait for it. GOGC has the last word.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
