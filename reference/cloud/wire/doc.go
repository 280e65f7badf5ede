// Package wire is what every embedded AWS service shares on the wire: one
// address for all of them, Signature Version 4, request ids, the JSON protocols
// and AWS's way of writing errors.
//
// The entry points are NewMux, an http.Handler that picks the service from
// the credential scope of a signed request, and ReplyJSON / ReplyError, with
// which a Handler answers. Decode reads a JSON body.
//
// A [Server] serves a Mux: it has a goroutine a connection and answers the calls
// it is told to without net/http. The rest of the package starts no goroutines.
// It keeps one small cache, of signing keys.
//
// It does not speak the query, XML or CBOR protocols, session tokens are
// accepted without being looked up, and it does not verify S3: a raw handler
// gets those requests unread.
package wire
