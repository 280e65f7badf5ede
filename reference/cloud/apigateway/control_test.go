package apigateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
)

func TestControlPlaneAnswersTheSDK(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	imported, err := w.client.ImportRestApi(ctx, &sdk.ImportRestApiInput{Body: api.Document()})
	require.NoError(t, err)
	require.Equal(t, "RetailFlow analytics", *imported.Name)
	require.Len(t, *imported.Id, 10)
	require.WithinDuration(t, w.clock, w.clock, 0)

	all, err := w.client.GetRestApis(ctx, &sdk.GetRestApisInput{})
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
	one, err := w.client.GetRestApi(ctx, &sdk.GetRestApiInput{RestApiId: imported.Id})
	require.NoError(t, err)
	require.Equal(t, imported.Name, one.Name)
	require.NotNil(t, one.CreatedDate)

	r, _ := w.send("GET", summaryPath, nil)
	require.Equal(t, 403, r.StatusCode, "imported is not deployed")
	deployed, err := w.client.CreateDeployment(ctx, &sdk.CreateDeploymentInput{RestApiId: imported.Id, StageName: aws.String("live")})
	require.NoError(t, err)
	r, _ = w.send("GET", summaryPath, nil)
	require.Equal(t, 401, r.StatusCode)
	stages, err := w.client.GetStages(ctx, &sdk.GetStagesInput{RestApiId: imported.Id})
	require.NoError(t, err)
	require.Equal(t, deployed.Id, stages.Item[0].DeploymentId)

	changed := strings.ReplaceAll(string(api.Document()), "/analytics/summary:", "/analytics/overview:")
	_, err = w.client.PutRestApi(ctx, &sdk.PutRestApiInput{RestApiId: imported.Id, Mode: types.PutModeOverwrite, Body: []byte(changed)})
	require.NoError(t, err)
	r, _ = w.send("GET", summaryPath, nil)
	require.Equal(t, 401, r.StatusCode, "the old document is served until it is deployed")
	_, err = w.client.CreateDeployment(ctx, &sdk.CreateDeploymentInput{RestApiId: imported.Id, StageName: aws.String("live")})
	require.NoError(t, err)
	r, _ = w.send("GET", summaryPath, nil)
	require.Equal(t, 403, r.StatusCode)

	_, err = w.client.DeleteRestApi(ctx, &sdk.DeleteRestApiInput{RestApiId: imported.Id})
	require.NoError(t, err)
	var missing *types.NotFoundException
	_, err = w.client.GetRestApi(ctx, &sdk.GetRestApiInput{RestApiId: imported.Id})
	require.ErrorAs(t, err, &missing)
}

func TestDocumentsThatCannotBeServedAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	for name, change := range map[string][2]string{
		"no integration":     {"x-amazon-apigateway-integration: &query", "x-other: &query"},
		"mock integration":   {"type: aws_proxy", "type: mock"},
		"no function":        {":function:ingest-events:live", ":queue:ingest-events"},
		"unknown scheme":     {"  - bearer: []", "  - cookie: []"},
		"broken reference":   {"schemas/CloudEvent\"", "schemas/Nothing\""},
		"no OpenAPI":         {"openapi: 3.0.3", "swagger: \"2.0\""},
		"other credentials":  {"scheme: bearer", "scheme: digest"},
		"parameters renamed": {"/v1/tenants/{tenant}/inventory/{sku}:", "/v1/tenants/{shop}/inventory/{sku}:"},
	} {
		document := strings.Replace(string(api.Document()), change[0], change[1], 1)
		require.NotEqual(t, string(api.Document()), document, name)
		_, err := w.client.ImportRestApi(context.Background(), &sdk.ImportRestApiInput{Body: []byte(document)})
		var bad *types.BadRequestException
		require.ErrorAs(t, err, &bad, name)
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	made, err := w.client.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Name: aws.String("t0003"), Enabled: true})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(*made.Value), 20)
	r, _ := w.send("GET", "/v1/tenants/t0003/analytics/summary", nil, "x-api-key", *made.Value)
	require.Equal(t, 202, r.StatusCode, "good at once")

	again, err := w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv, Body: []byte("Key,Name\n" + key1 + ",t0001\nkey-of-tenant-four-0004,t0004\n")})
	require.NoError(t, err)
	require.Len(t, again.Ids, 1)
	require.Len(t, again.Warnings, 1)
	var conflict *types.ConflictException
	_, err = w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv, FailOnWarnings: true, Body: []byte("Key,Name\n" + key1 + ",t0001\n")})
	require.ErrorAs(t, err, &conflict)
	_, err = w.client.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Name: aws.String("t"), Value: made.Value})
	require.ErrorAs(t, err, &conflict)
	var bad *types.BadRequestException
	for _, csv := range []string{"", "name\nx", "name,key\nt0001,short", "name,key\n\"t"} {
		_, err = w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv, Body: []byte(csv)})
		require.ErrorAs(t, err, &bad, "%q", csv)
	}

	pages := sdk.NewGetApiKeysPaginator(w.client, &sdk.GetApiKeysInput{Limit: aws.Int32(2), IncludeValues: aws.Bool(true)})
	seen := map[string]string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		for _, key := range page.Items {
			seen[*key.Name] = *key.Value
		}
	}
	require.Len(t, seen, 5)
	require.Equal(t, key1, seen["t0001"])

	_, err = w.client.UpdateApiKey(ctx, &sdk.UpdateApiKeyInput{ApiKey: made.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/enabled"), Value: aws.String("false")}}})
	require.NoError(t, err)
	r, _ = w.send("GET", "/v1/tenants/t0003/analytics/summary", nil, "x-api-key", *made.Value)
	require.Equal(t, 401, r.StatusCode)
	_, err = w.client.DeleteApiKey(ctx, &sdk.DeleteApiKeyInput{ApiKey: made.Id})
	require.NoError(t, err)
	var missing *types.NotFoundException
	_, err = w.client.GetApiKey(ctx, &sdk.GetApiKeyInput{ApiKey: made.Id})
	require.ErrorAs(t, err, &missing)
}

// TestAnsweredCallsSurviveACrash loses everything that was not synced after each step.
func TestAnsweredCallsSurviveACrash(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	crash := func() {
		after := w.fs.CrashClone(vfs.CrashCloneCfg{})
		w.close()
		w.open(after)
	}
	imported, err := w.client.ImportRestApi(ctx, &sdk.ImportRestApiInput{Body: api.Document()})
	require.NoError(t, err)
	crash()
	_, err = w.client.CreateDeployment(ctx, &sdk.CreateDeploymentInput{RestApiId: imported.Id, StageName: aws.String("live")})
	require.NoError(t, err)
	crash()
	key, err := w.client.CreateApiKey(ctx, &sdk.CreateApiKeyInput{Name: aws.String("t0001"), Value: aws.String(key1), Enabled: true})
	require.NoError(t, err)
	crash()
	plan, err := w.client.CreateUsagePlan(ctx, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 1}})
	require.NoError(t, err)
	crash()
	_, err = w.client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	require.NoError(t, err)
	crash()
	plans, err := w.client.GetUsagePlans(ctx, &sdk.GetUsagePlansInput{KeyId: key.Id})
	require.NoError(t, err)
	require.Equal(t, plan.Id, plans.Items[0].Id)
	first, _ := w.send("GET", summaryPath, nil, "x-api-key", key1)
	second, _ := w.send("GET", summaryPath, nil, "x-api-key", key1)
	require.Equal(t, []int{202, 429}, []int{first.StatusCode, second.StatusCode})
	_, err = w.client.DeleteApiKey(ctx, &sdk.DeleteApiKeyInput{ApiKey: key.Id})
	require.NoError(t, err)
	crash()
	r, _ := w.send("GET", summaryPath, nil, "x-api-key", key1)
	require.Equal(t, 401, r.StatusCode)
}
