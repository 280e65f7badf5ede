package stepfunctions

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
)

const three = `{"StartAt":"A","States":{
 "A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","Next":"W"},
 "W":{"Type":"Wait","Seconds":1,"Next":"M"},
 "M":{"Type":"Map","ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:b","End":true}}},"End":true}}}`

// TestCrashAnywhereContinues loses power at each invocation in turn, with every unsynced byte gone,
// and expects the execution to end as if nothing had been.
func TestCrashAnywhereContinues(t *testing.T) {
	for crashAt := int64(1); crashAt <= 4; crashAt++ {
		t.Run(fmt.Sprint(crashAt), func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			db := openDB(t, mem)
			var calls atomic.Int64
			var after *vfs.MemFS
			crashed := make(chan struct{})
			first, err := Open(Options{DB: db, Lambda: invoker(func(ctx context.Context, arn string, payload []byte) ([]byte, error) {
				if calls.Add(1) == crashAt {
					after = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0, RNG: rand.New(rand.NewPCG(1, 1))})
					close(crashed)
					<-ctx.Done()
				}
				return []byte(`[10,20,30]`), nil
			})})
			require.NoError(t, err)
			_, err = first.createMachine(createMachineIn{Name: "m", Definition: three})
			require.NoError(t, err)
			arn, err := first.StartExecution(t.Context(), first.machineARN("m"), "e", nil)
			require.NoError(t, err)
			<-crashed
			require.NoError(t, first.Close())
			require.NoError(t, db.Close())

			db = openDB(t, after)
			second, err := Open(Options{DB: db, Lambda: invoker(func(context.Context, string, []byte) ([]byte, error) { return []byte(`[10,20,30]`), nil })})
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				_, _, sum, err := second.execution(arn)
				return err == nil && sum.Status != asl.Running
			}, 30*time.Second, time.Millisecond)
			_, _, sum, err := second.execution(arn)
			require.NoError(t, err)
			require.Equal(t, asl.Succeeded, sum.Status)
			require.Equal(t, `[[10,20,30],[10,20,30],[10,20,30]]`, sum.Output)
			h, err := second.executionHistory(historyIn{ARN: arn})
			require.NoError(t, err)
			for i, e := range h.Events {
				require.EqualValues(t, i+1, e.ID, "no event is lost or doubled")
			}
			require.NoError(t, second.Close())
			require.NoError(t, db.Close())
		})
	}
}

func TestWaitsEndOnTimeAfterARestart(t *testing.T) {
	db := openDB(t, vfs.NewMem())
	defer func() { require.NoError(t, db.Close()) }()
	at := time.Now()
	first, err := Open(Options{DB: db, Lambda: invoker(nil), Now: func() time.Time { return at }})
	require.NoError(t, err)
	_, err = first.createMachine(createMachineIn{Name: "m", Definition: long})
	require.NoError(t, err)
	arn, err := first.StartExecution(t.Context(), first.machineARN("m"), "e", nil)
	require.NoError(t, err)
	require.NoError(t, first.Close())

	early, err := Open(Options{DB: db, Lambda: invoker(nil), Now: func() time.Time { return at.Add(59 * time.Minute) }})
	require.NoError(t, err)
	require.Equal(t, 1, early.Stats().Running)
	require.NoError(t, early.Close())

	late, err := Open(Options{DB: db, Lambda: invoker(nil), Now: func() time.Time { return at.Add(61 * time.Minute) }})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return late.Stats().Succeeded == 1 }, 30*time.Second, time.Millisecond)
	_, _, sum, err := late.execution(arn)
	require.NoError(t, err)
	require.Equal(t, asl.Succeeded, sum.Status)
	require.NoError(t, late.Close())
}

func TestAnsweredStartSurvivesPowerLoss(t *testing.T) {
	mem := vfs.NewCrashableMem()
	db := openDB(t, mem)
	s, err := Open(Options{DB: db, Lambda: invoker(nil)})
	require.NoError(t, err)
	_, err = s.createMachine(createMachineIn{Name: "m", Definition: long})
	require.NoError(t, err)
	arn, err := s.StartExecution(t.Context(), s.machineARN("m"), "e", nil)
	require.NoError(t, err)
	after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0, RNG: rand.New(rand.NewPCG(1, 1))})
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
	db = openDB(t, after)
	s, err = Open(Options{DB: db, Lambda: invoker(nil)})
	require.NoError(t, err)
	_, _, sum, err := s.execution(arn)
	require.NoError(t, err)
	require.Equal(t, asl.Running, sum.Status)
	_, err = s.stopExecution(stopIn{ARN: arn})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}
