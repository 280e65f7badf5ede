// Package proof holds no code, only tests: that the embedded DynamoDB loses nothing that it has
// acknowledged, and tells nothing that never was.
//
// Each test kills the service, crashes its file system, fills its disk or abuses its wire under
// concurrent clients of the real SDK, and holds the answers against what clients were told
// (history) or against models that porcupine searches. Beside each stands a test of a system
// that is broken on purpose, which must be found out. The tests are short unless STAMPEDE_PROOF
// is "long", as `scenarios/proof.sh durable` sets it.
package proof
