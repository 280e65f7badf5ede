package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const report = `{"testResults":[
 {"name":"a.test.ts","assertionResults":[
  {"fullName":"put works","status":"passed"},
  {"fullName":"tables spread","status":"failed","failureMessages":["no such operation\n at x"]},
  {"fullName":"streams flow","status":"skipped","failureMessages":[]},
  {"fullName":"tables follow","status":"passed"},
  {"fullName":"get works","status":"failed","failureMessages":["want 1, got 2\n at y"]}]},
 {"name":"b.test.ts","message":"cannot import","assertionResults":[]}]}`

func TestJudgeNamesWhatIsNotExcused(t *testing.T) {
	excuses, err := ParseExcuses("# what is left out\nglobal tables: tables spread\nglobal tables: tables follow\nbackup: backups appear\n")
	require.NoError(t, err)
	v, err := Judge([]byte(report), excuses)
	require.NoError(t, err)
	require.Equal(t, Verdict{
		Tests: 5, Passed: 2, Skipped: 1,
		Failed:    []string{"streams flow: skipped ", "get works: failed want 1, got 2", "b.test.ts: cannot import"},
		Surprises: []string{"tables follow"},
		Unknown:   []string{"backups appear"},
	}, v)
	_, err = Judge([]byte("Error: no tests"), excuses)
	require.ErrorContains(t, err, "read report")
}

func TestListTakesOnlyWhatIsLeftOut(t *testing.T) {
	for _, bad := range []string{"streams: flow", "backup appears", "backup: a\nbackup: a"} {
		_, err := ParseExcuses(bad)
		require.Error(t, err, bad)
	}
}
