// Package expr is DynamoDB's expression language: conditions and filters, key conditions,
// updates and projections, parsed once and evaluated on items as they are stored.
//
// [ParseCondition], [ParseUpdate] and [ParseProjection] take the text and the names its
// #placeholders stand for; Check then looks at the values of one request, and Match, Apply or
// Projection do the work. What is parsed is immutable and safe for concurrent use, so a caller
// may keep it. Errors are worded as DynamoDB words them, without the leading "Invalid
// …Expression: ". Pure: no clock, no goroutine, no I/O; it knows no tables.
package expr
