package killfunction

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults/cloudtest"
)

func TestMain(m *testing.M) {
	cloudtest.Main()
	goleak.VerifyTestMain(m)
}

var ctx = context.Background()

func TestKillsAreConfirmedByTheCloud(t *testing.T) {
	cloud := cloudtest.Start(t)
	cloud.Create("victim")
	cloud.Create("bystander")
	loadEnds, end := context.WithCancel(ctx)
	var load sync.WaitGroup
	for _, name := range []string{"victim", "victim", "bystander"} {
		load.Go(func() {
			for loadEnds.Err() == nil {
				_, _ = cloud.Lambda.Invoke(ctx, name, "live", []byte(`{"sleep":5000000}`), nil)
			}
		})
	}
	k := New(fault.Fault{Name: "k", Target: "victim", Every: 50 * time.Millisecond, Seed: 1}, cloud.URL, nil)
	inverse, err := k.Prepare(ctx)
	require.NoError(t, err)
	require.Zero(t, k.Hits(ctx).Count)
	_, err = k.Apply(ctx)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return k.Hits(ctx).Count >= 3 }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, k.Revert(ctx, inverse))
	end()
	load.Wait()
	hits := k.Hits(ctx)
	require.Regexp(t, `^\d+ processes of victim killed, \d+ of them inside an invocation$`, hits.Effect)
	var died int64
	for _, f := range cloud.Lambda.Stats().Functions {
		if f.Function == "victim" {
			died += f.DiedBusy
		} else {
			require.Zero(t, f.DiedBusy+f.DiedIdle, "only the target is struck")
		}
	}
	require.Equal(t, died, hits.Count)
	require.NoError(t, New(fault.Fault{}, cloud.URL, nil).Revert(ctx, inverse), "of an earlier life")
}

// A process of a function that is never busy is left alone, and waiting for it ends.
func TestNothingIsKilledWhileNothingIsBusy(t *testing.T) {
	cloud := cloudtest.Start(t)
	cloud.Create("victim")
	_, err := cloud.Lambda.Invoke(ctx, "victim", "live", []byte(`{}`), nil)
	require.NoError(t, err)
	k := New(fault.Fault{Name: "k", Target: "victim", Every: time.Millisecond}, cloud.URL, nil)
	inverse, err := k.Prepare(ctx)
	require.NoError(t, err)
	_, err = k.Apply(ctx)
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, k.Revert(ctx, inverse))
	require.Equal(t, fault.Hits{Effect: "0 processes of victim killed, 0 of them inside an invocation"}, k.Hits(ctx))
	require.Len(t, cloud.Lambda.Environments(), 1)
}

func TestACloudThatCannotBeAskedIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"process":{}}`)) }))
	defer server.Close()
	_, err := New(fault.Fault{}, server.URL, server.Client()).Prepare(ctx)
	require.ErrorContains(t, err, "it serves no lambda")
	server.Close()
	_, err = New(fault.Fault{}, server.URL, nil).Prepare(ctx)
	require.ErrorContains(t, err, "ask the cloud")
	http.DefaultClient.CloseIdleConnections()
}
