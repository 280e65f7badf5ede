// Command stampede runs a multi-tenant retail analytics platform through load and faults,
// and says, with proof, whether it held.
package main

import (
	"os"

	"github.com/retailflow/stampede/scenarios/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
