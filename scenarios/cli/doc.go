// Package cli is the command line of Stampede: it reads flags, calls the packages that do the
// work, and turns their errors into `error:` and `hint:` lines and exit codes.
//
// Start with [Main]; each command is a constructor in a file of its own. Results go to
// stdout, words to stderr. It owns no goroutine beyond signal handling and computes nothing.
package cli
