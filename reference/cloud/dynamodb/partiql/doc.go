// Package partiql reads the statements of PartiQL that DynamoDB takes: SELECT, INSERT, UPDATE,
// DELETE and EXISTS.
//
// [Parse] takes the text and the values of its parameters and makes a [Statement], whose
// conditions, updates and projections are those of package expr: there is no second evaluator.
// It knows no tables, so what needs a table's keys is the caller's. Errors are worded as DynamoDB
// words them. Pure: no clock, no goroutine, no I/O.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
package partiql
