// Package clients holds tests that speak to the service through clients of other languages: boto3
// and the aws command line, unmodified, as users have them.
package clients
