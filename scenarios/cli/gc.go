package cli

import (
	"os"
	"runtime/debug"
)

// collectSeldom lets a generator's or the cloud's heap grow to five times what lives in it, a few
// tens of megabytes, before it is collected: collecting costs a generator a fifth of the CPU of a
// request otherwise, and requests that are due wait for it; of DynamoDB's writes it cost a
// twelfth (bench-dynamodb with --base). GOGC has the last word.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
