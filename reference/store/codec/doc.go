// Package codec is the byte format of what the analytics table holds: event blocks, the
// bodies of dirty markers, roll-ups and a minute roll-up's memory of its blocks; and the pure
// arithmetic between them.
//
// Start with [SplitObject] and [Pack] on the writing side, and with [Compute] and [Merge] on
// the recomputing side: a roll-up is a pure function of the blocks of its minute, and a coarser
// roll-up the merge of disjoint finer ones.
//
// Everything here is deterministic: equal input gives equal bytes, so that a redelivered object
// rewrites the same blocks. It is a leaf: no clock, no goroutine, no I/O. Decoders keep
// references into the bytes that they are given, which must not change afterwards.
package codec
