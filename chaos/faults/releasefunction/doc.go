// Package releasefunction publishes a new version of a function through Lambda's own API, and is
// the version's defect, if it has one: a proxy of the Runtime API between Lambda and the function, as the extension of
// AWS's Fault Injection Service is
// (https://docs.aws.amazon.com/fis/latest/userguide/use-lambda-actions.html).
//
// Start with [New] and, in the process that Lambda starts, [Wrap]. The version differs from the
// stable one only in two variables: AWS_LAMBDA_EXEC_WRAPPER, which names the wrapper, and
// STAMPEDE_DEFECT; a healthy one only in the latter, without which Lambda would publish nothing
// new. Sending it traffic is a release's work, not this package's, and so are the hits: the
// harness counts what the version answered. The inverse sets the alias back to the stable version
// alone. New starts no goroutine; Wrap waits for all of its own.
package releasefunction
