// Package rest reads the requests that API Gateway hands to a function and writes its answers:
// the Lambda proxy integration of a REST API, payload format 1.0
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
//
// Start with [Parse] and [Request], and answer with [Answer] or [Refuse]. A payload is decoded
// once, into the few fields that the functions use, and strings point into it: whoever keeps
// one beyond the invocation clones it. Nothing here starts a goroutine or does I/O. It does not
// route, does not authorise and does not know what a body means.
package rest
