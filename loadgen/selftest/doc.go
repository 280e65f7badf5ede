// Package selftest says what load this machine can generate: the highest rate at which requests
// still start on time, how precise its clock and pacing are, and what a request costs.
//
// Start with [Run], which loads [Serve], a null server that must be another process so that its
// costs are told apart; Run starts it and ends it. Figures are of the machine as it is now: what
// else runs on it lowers them.
package selftest
