// Package arrival says how many events a second a load asks for at each moment: the intensity
// of the Poisson process that loadgen/plan draws requests from.
//
// Start with [Phases]: a list of [Phase], each constant or a ramp; it is a plan's Intensity.
// [Phases.Rate] draws the curve. Everything is a pure function of elapsed time: no goroutine,
// no clock, no randomness. It does not draw arrivals.
package arrival
