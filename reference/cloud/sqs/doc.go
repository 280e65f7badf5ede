// Package sqs is the embedded Amazon SQS: standard queues with visibility
// timeouts, delays, long polling, dead-letter queues and their redrive, served
// over the AWS JSON 1.0 protocol.
//
// The two entry points are Open, which reads the queues back from the shared
// Pebble database, and Service.ServeAWS, a wire.Handler. Service.Send puts a
// message in a queue from within the process.
//
// A message is durable before its send is answered, and stays until its delete
// is durable. Being in flight is not durable: after a crash every message is
// visible again, as at-least-once delivery allows. Receive counts are written
// without waiting for the disk, so a crash may forget the last few.
//
// A long poll waits on its caller's goroutine. The only goroutines of the
// package run message move tasks; Close ends long polls and waits for the tasks.
//
// The package does not do FIFO queues, encryption, permissions or tags with an
// effect; policies are stored and returned.
package sqs
