// Package item is DynamoDB's data model in the form it is stored in: attribute values and
// items as compact bytes that are compared, searched and projected without unpacking, keys as
// bytes whose order is DynamoDB's, numbers of 38 digits.
//
// [Decoder] turns the wire's JSON into a [Doc], [AppendJSON] turns it back, [Node] edits one,
// [AppendKey] makes a key. Everything is pure: no clock, no goroutine, no I/O. A Value or Doc
// aliases the buffer it was cut from and is never changed in place. The package knows no
// tables and no expressions.
//
// The encoding of a value is a tag byte; for all but booleans and null a length as a uvarint
// and that many bytes follow. Strings and binaries are themselves, numbers are in an order-
// preserving form (AppendNumber), sets are sorted elements each behind its length, lists are
// values, maps and items are (name length, name, value) sorted by name. Equal values
// are therefore equal bytes, lists of equal values too.
package item
