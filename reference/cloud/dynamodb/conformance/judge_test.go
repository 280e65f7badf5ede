package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const report = `{"testResults":[
 {"name":"a.test.ts","assertionResults":[
  {"fullName":"put works","status":"passed"},
  {"fullName":"partiql selects","status":"failed","failureMessages":["no such operation\n at x"]},
  {"fullName":"streams flow","status":"skipped","failureMessages":[]},
  {"fullName":"partiql inserts","status":"passed"},
  {"fullName":"get works","status":"failed","failureMessages":["want 1, got 2\n at y"]}]},
 {"name":"b.test.ts","message":"cannot import","assertionResults":[]}]}`

func TestJudgeNamesWhatIsNotExcused(t *testing.T) {
	excuses, err := ParseExcuses("# what is left out\nPartiQL: partiql selects\nPartiQL: partiql inserts\nbackup: backups appear\n")
	require.NoError(t, err)
	v, err := Judge([]byte(report), excuses)
	require.NoError(t, err)
	require.Equal(t, Verdict{
		Tests: 5, Passed: 2, Skipped: 1,
		Failed:    []string{"streams flow: skipped ", "get works: failed want 1, got 2", "b.test.ts: cannot import"},
		Surprises: []string{"partiql inserts"},
		Unknown:   []string{"backups appear"},
	}, v)
	_, err = Judge([]byte("Error: no tests"), excuses)
	require.ErrorContains(t, err, "read report")
}

func TestListTakesOnlyWhatIsLeftOut(t *testing.T) {
	for _, bad := range []string{"streams: flow", "PartiQL selects", "PartiQL: a\nPartiQL: a"} {
		_, err := ParseExcuses(bad)
		require.Error(t, err, bad)
	}
}
