// Package eventbridge is the embedded Amazon EventBridge: the default event bus
// with rules on event patterns and on schedules, served over the AWS JSON 1.1
// protocol.
//
// The two entry points are Open, which takes up again what was not delivered,
// and Service.ServeAWS, a wire.Handler. Service.Put accepts an event from within
// the process, as S3's are. Targets is what it delivers to.
//
// An accepted event is durable, once for each target of each rule it matches,
// before the caller is answered, and stays until the target took it: delivery
// is at least once, retried with growing pauses for up to 24 hours or 185 times.
// Patterns are compiled when a rule is put.
//
// One goroutine hands out deliveries and fires schedules, and each delivery
// under way has one; Close stops them and waits.
//
// The package does not do other buses, archives, replays, pipes, API
// destinations, input transformers or cross-account delivery.
package eventbridge
