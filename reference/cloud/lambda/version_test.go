package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

// variables is an UpdateFunctionConfiguration that sets one variable.
func variables(name, value string) *sdk.UpdateFunctionConfigurationInput {
	return &sdk.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Environment: &types.Environment{Variables: map[string]string{name: value}},
	}
}

func (b *bench) publish() string {
	b.t.Helper()
	out, err := b.client.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: aws.String("f")})
	require.NoError(b.t, err)
	return *out.Version
}

func TestVersionsNeverChange(t *testing.T) {
	b := start(t, nil)
	created := b.create("f", nil)
	require.Equal(t, types.StateActive, created.State)
	require.EqualValues(t, 128, *created.MemorySize)
	_, err := b.client.UpdateFunctionConfiguration(ctx, variables("VAL", "one"))
	require.NoError(t, err)
	require.Equal(t, "1", b.publish())
	require.Equal(t, "1", b.publish(), "nothing has changed since")
	pid := b.call("f", "", job{}).PID
	_, err = b.client.UpdateFunctionConfiguration(ctx, variables("VAL", "two"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !alive(pid) }, eventually, tick, "an environment of the old configuration is of no use")
	require.Equal(t, "2", b.publish())
	require.Equal(t, "one", b.call("f", "1", job{Env: "VAL"}).Env)
	require.Equal(t, "two", b.call("f:2", "", job{Env: "VAL"}).Env)
	require.Equal(t, "two", b.call("arn:aws:lambda:us-east-1:000000000000:function:f", "", job{Env: "VAL"}).Env)
	require.Equal(t, "1", b.call("f", "1", job{}).Version)

	list, err := b.client.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(2)})
	require.NoError(t, err)
	require.Len(t, list.Versions, 2)
	require.Equal(t, "$LATEST", *list.Versions[0].Version)
	rest, err := b.client.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f"), Marker: list.NextMarker})
	require.NoError(t, err)
	require.Equal(t, "2", *rest.Versions[0].Version)
	require.Nil(t, rest.NextMarker)

	one, err := b.client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:f:1", *one.FunctionArn)
	require.Equal(t, map[string]string{"VAL": "one"}, one.Environment.Variables)
}

func TestRevisionIDsGuardChanges(t *testing.T) {
	b := start(t, nil)
	created := b.create("f", nil)
	set := variables("VAL", "one")
	set.RevisionId = created.RevisionId
	changed, err := b.client.UpdateFunctionConfiguration(ctx, set)
	require.NoError(t, err)
	require.NotEqual(t, *created.RevisionId, *changed.RevisionId)
	var stale *types.PreconditionFailedException
	_, err = b.client.UpdateFunctionConfiguration(ctx, set)
	require.ErrorAs(t, err, &stale)
	_, err = b.client.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: aws.String("f"), RevisionId: created.RevisionId})
	require.ErrorAs(t, err, &stale)
	self, _ := os.Executable()
	_, err = b.client.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), RevisionId: created.RevisionId,
		S3Bucket: aws.String("hot-reload"), S3Key: &self})
	require.ErrorAs(t, err, &stale)
	_, err = b.client.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: aws.String("f"), CodeSha256: aws.String("other")})
	var wrong *types.InvalidParameterValueException
	require.ErrorAs(t, err, &wrong)
}

func TestCodeIsCopiedByContent(t *testing.T) {
	b := start(t, nil)
	dir := t.TempDir()
	path := filepath.Join(dir, "handler")
	script := func(answer string) []byte {
		return []byte("#!/bin/sh\necho " + answer + "; exit 3\n")
	}
	require.NoError(t, os.WriteFile(path, script("first"), 0o755))
	b.create("f", func(in *sdk.CreateFunctionInput) { in.Code.S3Key = &path })
	b.publish()
	require.NoError(t, os.WriteFile(path, script("second!"), 0o755))
	_, err := b.client.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"),
		S3Bucket: aws.String("hot-reload"), S3Key: &path, Publish: true})
	require.NoError(t, err)
	b.try("f", "1", job{})
	require.Contains(t, b.output.String(), "f/1 first\n", "a published version keeps its code")
	b.try("f", "2", job{})
	require.Contains(t, b.output.String(), "f/2 second!\n")

	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("bootstrap")
	require.NoError(t, err)
	_, err = w.Write(script("zipped"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	_, err = b.client.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: archive.Bytes(), Publish: true})
	require.NoError(t, err)
	b.try("f", "3", job{})
	require.Contains(t, b.output.String(), "f/3 zipped\n")
}

func TestBadCodeIsRefused(t *testing.T) {
	b := start(t, nil)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("x"), 0o644))
	escape := func() []byte {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		_, err := z.Create("../bootstrap")
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return buf.Bytes()
	}
	for name, code := range map[string]*types.FunctionCode{
		"none":          {},
		"relative":      {S3Bucket: aws.String("hot-reload"), S3Key: aws.String("bin/f")},
		"absent":        {S3Bucket: aws.String("hot-reload"), S3Key: aws.String(dir + "/absent")},
		"folder":        {S3Bucket: aws.String("hot-reload"), S3Key: &dir},
		"no executable": {S3Bucket: aws.String("hot-reload"), S3Key: &plain},
		"other bucket":  {S3Bucket: aws.String("b"), S3Key: aws.String("k")},
		"no zip":        {ZipFile: []byte("x")},
		"escaping zip":  {ZipFile: escape()},
	} {
		_, err := b.client.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("r"), Code: code})
		var wrong *types.InvalidParameterValueException
		require.ErrorAs(t, err, &wrong, name)
	}
	require.Empty(t, b.state.functions())
	entries, err := os.ReadDir(b.options.Dir)
	require.NoError(t, err)
	require.Empty(t, entries, "nothing is left behind")
}

func TestSettingsAreChecked(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	for name, in := range map[string]*sdk.UpdateFunctionConfigurationInput{
		"timeout":      {Timeout: aws.Int32(901)},
		"memory":       {MemorySize: aws.Int32(64)},
		"reserved key": variables("AWS_REGION", "x"),
		"bad key":      variables("1A", "x"),
		"too large":    variables("A_B", strings.Repeat("x", 4096)),
	} {
		in.FunctionName = aws.String("f")
		_, err := b.client.UpdateFunctionConfiguration(ctx, in)
		var wrong *types.InvalidParameterValueException
		require.ErrorAs(t, err, &wrong, name)
	}
	_, err := b.client.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("r"), Code: &types.FunctionCode{}})
	var exists *types.ResourceConflictException
	require.ErrorAs(t, err, &exists)
	_, err = b.client.CreateFunction(ctx, &sdk.CreateFunctionInput{FunctionName: aws.String("f g"), Role: aws.String("r"), Code: &types.FunctionCode{}})
	require.Error(t, err)
}

func TestDeletedFunctionIsGoneWithItsProcesses(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	b.publish()
	pid := b.call("f", "1", job{}).PID
	_, err := b.client.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	require.NoError(t, err)
	_, err = b.client.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	var inUse *types.ResourceConflictException
	require.ErrorAs(t, err, &inUse)
	_, err = b.client.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !alive(pid) }, eventually, tick)
	_, err = b.client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("f")})
	var notFound *types.ResourceNotFoundException
	require.ErrorAs(t, err, &notFound)
	b.create("f", nil)
	require.Equal(t, "1", b.publish(), "a new function of the name begins anew")
}

// Every change that was answered is there after a crash that loses all unsynced writes.
func TestAnsweredChangesSurviveACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openDB(t, disk)
	b := start(t, func(o *Options) { o.DB = db })
	b.create("f", nil)
	crash := func(check func()) {
		t.Helper()
		copied := disk.CrashClone(vfs.CrashCloneCfg{}) // nothing that was not synced
		require.NoError(t, b.Close())
		require.NoError(t, b.options.DB.Close())
		disk = copied
		b.options.DB = openDB(t, disk)
		b.open()
		check()
	}
	crash(func() { b.call("f", "", job{}) })
	b.publish()
	crash(func() { require.Equal(t, "1", b.call("f", "1", job{}).Version) })
	_, err := b.client.UpdateFunctionConfiguration(ctx, variables("VAL", "two"))
	require.NoError(t, err)
	crash(func() { require.Equal(t, "two", b.call("f", "", job{Env: "VAL"}).Env) })
	require.Equal(t, "2", b.publish())
	alias, err := b.client.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	require.NoError(t, err)
	crash(func() {
		got, err := b.client.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
		require.NoError(t, err)
		require.Equal(t, alias.RevisionId, got.RevisionId)
	})
	_, err = b.client.UpdateAlias(ctx, &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("2")})
	require.NoError(t, err)
	_, err = b.client.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	require.NoError(t, err)
	crash(func() {
		_, err := b.client.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		var refused *types.TooManyRequestsException
		require.ErrorAs(t, err, &refused)
	})
	_, err = b.client.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	crash(func() {
		require.Empty(t, b.state.functions())
		entries, err := os.ReadDir(b.options.Dir)
		require.NoError(t, err)
		require.Empty(t, entries, "code that no version needs is swept")
	})
	require.NoError(t, b.Close())
	require.NoError(t, b.options.DB.Close())
}
