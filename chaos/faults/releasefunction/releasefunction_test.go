package releasefunction

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults/cloudtest"
	"github.com/retailflow/stampede/reference/cloud/lambda"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "runtime-wrapper" {
		os.Exit(Wrap(os.Args[2:], os.Environ()))
	}
	cloudtest.Main()
	goleak.VerifyTestMain(m)
}

var ctx = context.Background()

func slow(d time.Duration) fault.Fault {
	return fault.Fault{Name: "bad", Target: "f", Defect: fault.Defect{Kind: fault.Slow, Delay: d}}
}

func failing(share float64) fault.Fault {
	return fault.Fault{Name: "bad", Target: "f", Defect: fault.Defect{Kind: fault.Failing, Share: share}}
}

func options(c *cloudtest.Cloud) Options {
	return Options{Edge: c.URL, Wrapper: []string{os.Args[0], "runtime-wrapper"}}
}

// publish applies a bad release of f and returns the fault, its inverse and its version.
func publish(t *testing.T, c *cloudtest.Cloud, f fault.Fault) (*Fault, json.RawMessage, string) {
	t.Helper()
	c.Create("f")
	b, err := New(f, options(c))
	require.NoError(t, err)
	inverse, err := b.Prepare(ctx)
	require.NoError(t, err)
	details, err := b.Apply(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"function": "f", "alias": "live", "version": "2", "stable": "1"}, details)
	return b, inverse, details["version"]
}

func invoke(t *testing.T, c *cloudtest.Cloud, qualifier, payload string) lambda.Result {
	t.Helper()
	r, err := c.Lambda.Invoke(ctx, "f", qualifier, []byte(payload), nil)
	require.NoError(t, err)
	return r
}

func alias(t *testing.T, c *cloudtest.Cloud) *sdk.GetAliasOutput {
	t.Helper()
	out, err := c.Client.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	require.NoError(t, err)
	return out
}

func TestSlowVersionIsLateAndOnlyThat(t *testing.T) {
	cloud := cloudtest.Start(t)
	b, _, version := publish(t, cloud, slow(150*time.Millisecond))
	for _, c := range []struct {
		qualifier string
		late      bool
	}{{"1", false}, {version, true}, {"live", false}, {"$LATEST", false}} {
		invoke(t, cloud, c.qualifier, `{}`) // the cold start
		r := invoke(t, cloud, c.qualifier, `{}`)
		require.Empty(t, r.FunctionError, "%s", r.Payload)
		require.Equal(t, fmt.Sprintf(`{"statusCode":200,"version":"%s"}`, r.ExecutedVersion), string(r.Payload))
		require.Equal(t, c.late, r.Duration >= 150*time.Millisecond, "%s took %s", c.qualifier, r.Duration)
	}
	r := invoke(t, cloud, version, `{"fail":true}`)
	require.Contains(t, string(r.Payload), "on demand", "the function's own failure passes")
	require.Equal(t, fault.Hits{Effect: "version 2 of f published, defect: slow(150ms)"}, b.Hits(ctx))
}

func TestHealthyVersionIsTheSameCodeWithoutAWrapper(t *testing.T) {
	cloud := cloudtest.Start(t)
	_, inverse, version := publish(t, cloud, fault.Fault{Name: "sound", Target: "f", Defect: fault.Defect{Kind: fault.None}})
	stable, err := cloud.Client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	require.NoError(t, err)
	sound, err := cloud.Client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f"), Qualifier: &version})
	require.NoError(t, err)
	require.Equal(t, *stable.CodeSha256, *sound.CodeSha256)
	require.Equal(t, map[string]string{"OWN": "kept", DefectEnv: "none"}, sound.Environment.Variables)
	r := invoke(t, cloud, version, `{}`)
	require.Equal(t, `{"statusCode":200,"version":"2"}`, string(r.Payload))

	_, err = cloud.Client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: &version})
	require.NoError(t, err, "promoted")
	again, err := New(fault.Fault{Name: "sound", Target: "f", Defect: fault.Defect{Kind: fault.None}}, options(cloud))
	require.NoError(t, err)
	require.NoError(t, again.Revert(ctx, inverse))
	require.Equal(t, "1", *alias(t, cloud).FunctionVersion)
}

func TestFailingVersionAnswersAsItsCallerReadsIt(t *testing.T) {
	cloud := cloudtest.Start(t)
	_, _, version := publish(t, cloud, failing(1))
	r := invoke(t, cloud, version, `{"httpMethod":"POST"}`)
	require.Empty(t, r.FunctionError)
	require.Contains(t, string(r.Payload), `"statusCode":500`)
	r = invoke(t, cloud, version, `{}`)
	require.Equal(t, "Unhandled", r.FunctionError)
	require.Contains(t, string(r.Payload), `"errorType":"BadRelease"`)
	r = invoke(t, cloud, "1", `{"httpMethod":"POST"}`)
	require.Contains(t, string(r.Payload), `"statusCode":200`)
}

func TestShareOfFailuresIsKept(t *testing.T) {
	for _, share := range []float64{0.001, 0.1, 0.5, 1} {
		n := 0
		for i := range 100_000 {
			if fails(failing(share).Defect, fmt.Sprintf("0197-%d", i)) {
				n++
			}
		}
		require.InDelta(t, share*100_000, n, 650, "%v", share) // 4 sigma at a half are 632
	}
	require.False(t, fails(slow(time.Second).Defect, "x"))
}

func TestRevertSetsTheAliasBackAndMayBeRepeated(t *testing.T) {
	cloud := cloudtest.Start(t)
	b, inverse, version := publish(t, cloud, slow(time.Millisecond))
	_, err := cloud.Client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{version: 0.5}}})
	require.NoError(t, err)
	_, err = b.Prepare(ctx)
	require.ErrorContains(t, err, "shares its traffic", "not into a release that is under way")

	again, err := New(slow(time.Millisecond), options(cloud)) // as a restarted agent does
	require.NoError(t, err)
	require.NoError(t, again.Revert(ctx, inverse))
	got := alias(t, cloud)
	require.Equal(t, "1", *got.FunctionVersion)
	require.Nil(t, got.RoutingConfig)
	require.NoError(t, again.Revert(ctx, inverse))
	require.Equal(t, *got.RevisionId, *alias(t, cloud).RevisionId, "what is right already is not written")

	_, err = cloud.Client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: &version})
	require.NoError(t, err)
	require.NoError(t, b.Revert(ctx, inverse))
	require.Equal(t, "1", *alias(t, cloud).FunctionVersion)
	_, err = cloud.Client.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.NoError(t, b.Revert(ctx, inverse), "a function that is gone is reverted")
}

func TestLatestIsRestoredEvenAfterADeathInTheMiddle(t *testing.T) {
	cloud := cloudtest.Start(t)
	b, inverse, _ := publish(t, cloud, slow(time.Millisecond))
	latest := func() map[string]string {
		out, err := cloud.Client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
		require.NoError(t, err)
		return out.Environment.Variables
	}
	require.Equal(t, map[string]string{"OWN": "kept"}, latest())
	_, err := b.configure(ctx, "f", map[string]string{"OWN": "kept", DefectEnv: "slow(1ms)", wrapperEnv: "x"}, nil)
	require.NoError(t, err)
	require.NoError(t, b.Revert(ctx, inverse))
	require.Equal(t, map[string]string{"OWN": "kept"}, latest())
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, wrapper := range [][]string{nil, {""}, {"/a b/stampede", "runtime-wrapper"}} {
		_, err := New(slow(time.Second), Options{Wrapper: wrapper})
		require.Error(t, err)
	}
	b, err := New(slow(time.Second), Options{Edge: "http://127.0.0.1:1", Wrapper: []string{"x"}})
	require.NoError(t, err)
	require.Error(t, b.Revert(ctx, json.RawMessage(`{`)))
	require.Contains(t, b.Hits(ctx).Effect, "no version")
}

func TestKilledWrapperTakesTheFunctionAlong(t *testing.T) {
	cloud := cloudtest.Start(t)
	_, _, version := publish(t, cloud, slow(time.Millisecond))
	invoke(t, cloud, version, `{}`)
	wrapper := cloud.Lambda.Environments()[0].PID
	child := childOf(t, wrapper)
	require.NoError(t, syscall.Kill(wrapper, syscall.SIGKILL))
	require.Eventually(t, func() bool { return gone(child) }, 30*time.Second, time.Millisecond)
}

func TestWrapperExitsAsItsCommand(t *testing.T) {
	env := append(os.Environ(), runtimeEnv+"=127.0.0.1:1", DefectEnv+"=slow(1ms)")
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137} {
		require.Equal(t, want, Wrap([]string{"/bin/sh", "-c", script}, env), script)
	}
	require.Equal(t, exitNoStart, Wrap([]string{"/nowhere/to/be/found"}, env))
	require.Equal(t, exitUsage, Wrap(nil, env))
	require.Equal(t, exitUsage, Wrap([]string{"/bin/true"}, []string{runtimeEnv + "=x", DefectEnv + "=explode"}))
	require.Equal(t, exitUsage, Wrap([]string{"/bin/true"}, []string{DefectEnv + "=slow(1s)"}))
}

// childOf is the only child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range stats {
		stat, _ := os.ReadFile(path) // it may be gone
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			require.NoError(t, err)
			return child
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}

func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
