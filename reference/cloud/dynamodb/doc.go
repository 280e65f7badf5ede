// Package dynamodb is an embedded Amazon DynamoDB: its JSON 1.0 protocol over tables kept in
// Pebble, durable before it answers, and throttled where and when DynamoDB throttles.
//
// [Open] makes a [Service]; [Service.ServeAWS] answers requests that cloud/wire has verified.
// Expressions are package expr, items and their encoding package item, storage package store;
// capacity is quota.Partitions. The service owns goroutines that build indexes, remove expired items and
// trim streams; they and the store's end with Close, which must come after the last request.
//
// What it does not do, and what it does otherwise than AWS, is in the README's tables, which a
// test holds against the code.
package dynamodb
