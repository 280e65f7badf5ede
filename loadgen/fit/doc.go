// Package fit makes the parameters of package model from real records, and says how far what the
// generator draws from them lies from records that it has not seen.
//
// Start with [Weeks] and [Estimate]; [Judge] compares by splits what
// [Generate] makes: plan, arrivals and bytes as in a load. Everything is pure: no clock, no
// goroutine, no file; equal input gives equal output. It knows the columns of one data set, UCI's
// "Online Retail", and of one trace of requests per second.
package fit
