// Package loadtest is what a load against one address came to, as `stampede load` reports it, and
// the forms in which it is written: a table for a terminal, JSON, CSV and HdrHistogram's
// percentile distribution.
//
// Start with [Result] and [Result.Finish], which judges it. Package html draws the page. It is
// pure: it measures nothing, and it knows neither the generator nor the target.
package loadtest
