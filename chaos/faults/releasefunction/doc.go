// Package releasefunction publishes a defective version of a function through Lambda's own API, and
// is the defect: a proxy of the Runtime API between Lambda and the function, as the extension of
// AWS's Fault Injection Service is
// (https://docs.aws.amazon.com/fis/latest/userguide/use-lambda-actions.html).
//
// Start with [New] and, in the process that Lambda starts, [Wrap]. The version differs from the
// stable one only in two variables: AWS_LAMBDA_EXEC_WRAPPER, which names the wrapper, and
// STAMPEDE_DEFECT. Sending it traffic is a release's work, not this package's, and so are the
// hits: the harness counts the version's bad answers. The inverse sets the alias back to the
// stable version alone. New starts no goroutine; Wrap waits for all of its own.
package releasefunction
