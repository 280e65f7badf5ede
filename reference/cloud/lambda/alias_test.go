package lambda

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
)

const (
	eventually = 30 * time.Second
	tick       = time.Millisecond
)

func routing(version string, weight float64) *types.AliasRoutingConfiguration {
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{version: weight}}
}

// twoVersions makes f with versions 1 and 2 and an alias live on 1.
func (b *bench) twoVersions() *sdk.CreateAliasOutput {
	b.t.Helper()
	b.create("f", nil)
	require.Equal(b.t, "1", b.publish())
	_, err := b.client.UpdateFunctionConfiguration(ctx, variables("VAL", "two"))
	require.NoError(b.t, err)
	require.Equal(b.t, "2", b.publish())
	out, err := b.client.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	require.NoError(b.t, err)
	return out
}

func TestWeightedAliasSharesTheTraffic(t *testing.T) {
	b := start(t, func(o *Options) { o.Seed = 42 })
	b.twoVersions()
	_, err := b.client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), RoutingConfig: routing("2", 0.25)})
	require.NoError(t, err)
	want := []string{}
	stream := rand.New(rand.NewPCG(42, 0xde6a3c4e4429b3d6)) // FNV-1a of the alias's ARN
	for range 40 {
		v := "1"
		if stream.Float64() < 0.25 {
			v = "2"
		}
		want = append(want, v)
	}
	got := []string{}
	for range 40 {
		out := b.try("f", "live", job{})
		require.Nil(t, out.FunctionError)
		got = append(got, *out.ExecutedVersion)
	}
	require.Equal(t, want, got, "a seed repeats a run")

	f := b.state.function("f")
	second := 0
	for range 100_000 {
		c, _, err := f.resolve("live", b.router.draw)
		require.NoError(t, err)
		if c.Version == "2" {
			second++
		}
	}
	require.InDelta(t, 25_000, second, 600) // 4 sigma are 548

	_, err = b.client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), RoutingConfig: &types.AliasRoutingConfiguration{}})
	require.NoError(t, err)
	for range 20 {
		require.Equal(t, "1", b.call("f", "live", job{}).Version, "an empty routing ends it")
	}
}

func TestRouteAtTheEnds(t *testing.T) {
	a := &Alias{FunctionVersion: "1", RoutingConfig: &Routing{map[string]float64{"2": 0}}}
	require.Equal(t, "1", a.route(0), "a weight of zero gets nothing")
	a.RoutingConfig.AdditionalVersionWeights["2"] = 1
	require.Equal(t, "2", a.route(1-1e-16), "a weight of one gets all")
	a.RoutingConfig = nil
	require.Equal(t, "1", a.route(0))
}

func TestAliasIsGuardedByItsRevision(t *testing.T) {
	b := start(t, nil)
	created := b.twoVersions()
	in := &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), RevisionId: created.RevisionId, RoutingConfig: routing("2", 0.01)}
	_, err := b.client.UpdateAlias(ctx, in)
	require.NoError(t, err)
	var stale *types.PreconditionFailedException
	_, err = b.client.UpdateAlias(ctx, in)
	require.ErrorAs(t, err, &stale)

	// Of many that hold the same revision exactly one wins.
	got, err := b.client.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	require.NoError(t, err)
	require.InDelta(t, 0.01, got.RoutingConfig.AdditionalVersionWeights["2"], 0)
	var mu sync.Mutex
	won, lost := 0, 0
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := b.client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"),
				RevisionId: got.RevisionId, RoutingConfig: routing("2", float64(i)/10)})
			mu.Lock()
			defer mu.Unlock()
			var stale *types.PreconditionFailedException
			switch {
			case err == nil:
				won++
			default:
				require.ErrorAs(t, err, &stale)
				lost++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, won)
	require.Equal(t, 7, lost)
}

func TestBadAliasesAreRefused(t *testing.T) {
	b := start(t, nil)
	b.twoVersions()
	for name, c := range map[string]struct {
		alias, version string
		routing        *types.AliasRoutingConfiguration
	}{
		"a number as name":  {"7", "1", nil},
		"no such version":   {"a", "9", nil},
		"weight above one":  {"a", "1", routing("2", 1.5)},
		"weight below zero": {"a", "1", routing("2", -0.1)},
		"same version":      {"a", "1", routing("1", 0.5)},
		"$LATEST":           {"a", "$LATEST", routing("2", 0.5)},
		"to $LATEST":        {"a", "1", routing("$LATEST", 0.5)},
		"no such second":    {"a", "1", routing("9", 0.5)},
		"exists":            {"live", "1", nil},
	} {
		_, err := b.client.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: &c.alias, FunctionVersion: &c.version, RoutingConfig: c.routing})
		require.Error(t, err, name)
	}
	list, err := b.client.ListAliases(ctx, &sdk.ListAliasesInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.Len(t, list.Aliases, 1)
	for range 2 {
		_, err = b.client.DeleteAlias(ctx, &sdk.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
		require.NoError(t, err)
	}
	_, err = b.client.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	var notFound *types.ResourceNotFoundException
	require.ErrorAs(t, err, &notFound)
}

func TestParseTarget(t *testing.T) {
	for ref, want := range map[string][2]string{
		"f":                               {"f", ""},
		"f:live":                          {"f", "live"},
		"f:$LATEST":                       {"f", "$LATEST"},
		"000000000000:function:f":         {"f", ""},
		"000000000000:function:f:7":       {"f", "7"},
		"arn:aws:lambda:r:1:function:f":   {"f", ""},
		"arn:aws:lambda:r:1:function:f:a": {"f", "a"},
	} {
		name, qualifier, err := parseTarget(ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, [2]string{name, qualifier}, ref)
	}
	for _, ref := range []string{"", "f/g", "a b", "f:a b", "arn:aws:sqs:r:1:f", "arn:aws:lambda", "f:1:2"} {
		_, _, err := parseTarget(ref)
		require.Error(t, err, ref)
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("arn:aws:lambda:us-east-1:000000000000:function:f:live")
	f.Add("f:$LATEST")
	f.Fuzz(func(t *testing.T, ref string) {
		name, qualifier, err := parseTarget(ref)
		if err != nil {
			return
		}
		again := name
		if qualifier != "" {
			again += ":" + qualifier
		}
		n, q, err := parseTarget(again)
		require.NoError(t, err)
		require.Equal(t, name, n)
		require.Equal(t, qualifier, q)
	})
}

func TestMatch(t *testing.T) {
	args, ok := match("/a/*/b/*", "/a/x%2Fy/b/arn%3Az")
	require.True(t, ok)
	require.Equal(t, []string{"x/y", "arn:z"}, args)
	for _, path := range []string{"/a/x/b", "/a/x/b/", "/a//b/y", "/a/x/b/y/z", "/a/%zz/b/y", "", "a/x/b/y"} {
		_, ok := match("/a/*/b/*", path)
		require.False(t, ok, path)
	}
}
