// Command bootstrap is stampede-fn: every function of the reference in one file, as Lambda
// runs it (the name is Lambda's for a program that speaks the Runtime API itself). Which
// function a process is, the variable _HANDLER says.
package main

import (
	"fmt"
	"os"

	"github.com/retailflow/stampede/reference/functions"
)

func main() {
	if err := functions.Serve(functions.Handlers(), os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
