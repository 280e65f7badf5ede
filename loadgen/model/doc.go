// Package model is what the generator believes about shops: parameters fitted to real data, and
// the orders that follow from them.
//
// Start with [Default], the parameters that come with the program, or [Parse]; [Shop.Compile]
// makes a [Sampler] that draws lines, products, customers and whole weeks. Package fit makes the
// parameters. Everything is pure: no clock, no goroutine, randomness only from the stream that a
// method is given. It makes no bytes of requests and knows no names of products or people.
package model
