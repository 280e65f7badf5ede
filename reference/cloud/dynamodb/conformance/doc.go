// Package conformance judges a run of the public suite github.com/nubo-db/dynamodb-conformance,
// which is calibrated on AWS itself, against the embedded DynamoDB.
//
// [Judge] compares the suite's report with the list of tests that may fail, skipped.txt; the
// package's test starts `stampede cloud`, runs the suite and prints the verdict. `make
// conformance SUITE=DIR` is the way in. The suite itself is not part of this repository.
package conformance
