// Package store is the data model of the two tables: keys and items with their builders and
// parsers, the days of a time zone, and the plan that says which roll-ups answer a question.
//
// Start with [Key] and the functions that return one (design section "Tables"), and with
// [ReadPlan] for reading roll-ups. Formats of what items carry are in store/codec.
//
// It is a leaf and pure: no clock, no client, no goroutine. Items are DynamoDB attribute maps,
// since the functions, the query side and the harness all speak to DynamoDB itself.
package store
