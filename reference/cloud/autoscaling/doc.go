// Package autoscaling is an embedded Application Auto Scaling for DynamoDB's provisioned
// throughput: scalable targets and target-tracking policies over the wire, and the loop that
// follows them minute by minute with AWS's alarm delays, cooldowns and DynamoDB's daily limit of
// decreases. [Open] starts the loop, Close waits for it; [Service.Tick] is one turn of it.
//
// Deciding is [quota.TargetTracking]; reading and changing throughput is the caller's [Tables].
// Targets and policies are durable; what the alarms have seen is not, as a minute or fifteen
// bring it back. It has no scheduled or step scaling, and serves no other service than DynamoDB.
package autoscaling
