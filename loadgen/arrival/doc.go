// Package arrival says how many events a second a load asks for at each moment: the intensity
// of the arrivals that loadgen/plan draws requests from.
//
// Start with [New]: [Phases] are a list of [Curve], each a [Ramp], a [Sine] or a [Flash]; [Steps]
// and [Day] make several. [Counts] and [Times] are recorded traces, and [NewBursty] lets any
// intensity come in bursts. All of them are a plan's Intensity: their integral and its inverse.
//
// Everything is a pure function of elapsed time: no goroutine, no clock, and randomness only from
// the seed that NewBursty is given. It does not draw arrivals.
package arrival
