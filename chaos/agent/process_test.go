package agent

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults/cloudtest"
	"github.com/retailflow/stampede/reference/lifeline"
)

// beAgent is the agent as a process of its own.
func beAgent(dir string) {
	o := Options{Dir: dir, Edge: os.Getenv("AGENT_TEST_EDGE"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if err := Run(context.Background(), o); err != nil {
		slog.Error("agent", "error", err)
		os.Exit(1)
	}
}

// process is a real agent with a lifeline to this test.
type process struct {
	*Client
	cmd  *exec.Cmd
	keep *os.File
}

func startProcess(t *testing.T, dir, edge string) *process {
	t.Helper()
	childEnd, keep, err := lifeline.New()
	require.NoError(t, err)
	defer childEnd.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AGENT_TEST_DIR="+dir, "AGENT_TEST_EDGE="+edge)
	cmd.Stderr = os.Stderr
	lifeline.Attach(cmd, childEnd)
	require.NoError(t, cmd.Start())
	p := &process{Client: NewClient(dir), cmd: cmd, keep: keep}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = keep.Close()
		p.Close()
	})
	require.NoError(t, p.Ready(within(t, time.Minute)))
	return p
}

// badRelease puts a bad release of f in force and half of the traffic on it.
func badRelease(t *testing.T, cloud *cloudtest.Cloud, p *process, d time.Duration) {
	t.Helper()
	cloud.Create("f")
	got, err := p.Apply(ctx, fault.Fault{Name: "bad", Kind: fault.ReleaseFunction, Target: "f", For: d,
		Defect: fault.Defect{Kind: fault.Slow, Delay: time.Millisecond}})
	require.NoError(t, err)
	require.Equal(t, "2", got.Details["version"])
	_, err = cloud.Client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}}})
	require.NoError(t, err)
}

func weighted(t *testing.T, cloud *cloudtest.Cloud) bool {
	t.Helper()
	out, err := cloud.Client.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	require.NoError(t, err)
	require.Equal(t, "1", *out.FunctionVersion)
	return out.RoutingConfig != nil
}

func TestKilledAgentsFaultsAreRevertedByTheNext(t *testing.T) {
	cloud := cloudtest.Start(t)
	dir := t.TempDir()
	p := startProcess(t, dir, cloud.URL)
	badRelease(t, cloud, p, time.Hour)
	require.NoError(t, p.cmd.Process.Kill())
	require.Error(t, p.cmd.Wait())
	require.True(t, weighted(t, cloud), "nobody is left to revert it")

	p = startProcess(t, dir, cloud.URL)
	require.Eventually(t, func() bool { return !weighted(t, cloud) }, 30*time.Second, time.Millisecond)
	_, err := p.Apply(ctx, fault.Fault{Name: "bad", Kind: fault.KillProcess, Target: "x", For: time.Second})
	require.ErrorIs(t, err, fault.ErrUsed)
}

func TestFaultExpiresWithoutTheHarness(t *testing.T) {
	cloud := cloudtest.Start(t)
	p := startProcess(t, t.TempDir(), cloud.URL)
	badRelease(t, cloud, p, 8*time.Second) // enough to see the weight
	p.Close()
	require.True(t, weighted(t, cloud))
	require.Eventually(t, func() bool { return !weighted(t, cloud) }, 30*time.Second, 10*time.Millisecond)
}

func TestEndOfTheLifelineRevertsAndEndsTheAgent(t *testing.T) {
	cloud := cloudtest.Start(t)
	p := startProcess(t, t.TempDir(), cloud.URL)
	badRelease(t, cloud, p, time.Hour)
	require.NoError(t, p.keep.Close())
	require.NoError(t, p.cmd.Wait(), "it ends well, and not after the fault's hour")
	require.False(t, weighted(t, cloud))
}

// When the harness dies, the cloud dies too: the agent must not wait for it for ever.
func TestAgentEndsThoughTheCloudIsGone(t *testing.T) {
	cloud := cloudtest.Start(t)
	p := startProcess(t, t.TempDir(), cloud.URL)
	badRelease(t, cloud, p, time.Hour)
	cloud.Stop()
	require.NoError(t, p.keep.Close())
	require.Error(t, p.cmd.Wait(), "it could not revert, and says so")
}

func TestRealProcessIsKilledThroughTheAgent(t *testing.T) {
	cloud := cloudtest.Start(t)
	dir := t.TempDir()
	p := startProcess(t, dir, cloud.URL)
	victim := exec.Command("/bin/sleep", "60")
	require.NoError(t, victim.Start())
	require.NoError(t, os.WriteFile(dir+"/data.pid", []byte(strconv.Itoa(victim.Process.Pid)+"\n"), 0o644))
	got, err := p.Apply(ctx, fault.Fault{Name: "kill", Kind: fault.KillProcess, Target: "data", For: time.Minute})
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(victim.Process.Pid), got.Details["pid"])
	require.Error(t, victim.Wait())
	require.Zero(t, got.Hits.Count)
	require.NoError(t, os.WriteFile(dir+"/data.pid", []byte(strconv.Itoa(os.Getpid())), 0o644))
	all, err := p.HealAll(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, all[0].Hits.Count)
	_, err = p.Apply(ctx, fault.Fault{Name: "again", Kind: fault.KillProcess, Target: "absent", For: time.Minute})
	require.ErrorContains(t, err, "find process absent")
}
