// Package retail replays one real day of a real shop: its invoices become order.created and
// order.cancelled events of a tenant's last whole day, at the same minutes, with the same
// products, quantities and prices.
//
// Start with [Read] or [Excerpt], then [Day.Batches]; [Day.Figures] says what the day comes
// to, computed straight from the file in rational numbers, so that the platform's answer can
// be compared with something that shares no arithmetic with it. Everything is pure: no clock,
// no goroutine. Customer numbers are replaced by keyed hashes; the oddities of the file
// (negative quantities, prices of zero, guests, repeated products) pass through.
package retail
