package apigateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
)

// planned puts the key of tenant t0001 under a plan and returns the plan's and the key's id.
func planned(t *testing.T, w *world, in *sdk.CreateUsagePlanInput) (plan, key *string) {
	t.Helper()
	ctx := context.Background()
	made, err := w.client.CreateUsagePlan(ctx, in)
	require.NoError(t, err)
	keys, err := w.client.GetApiKeys(ctx, &sdk.GetApiKeysInput{NameQuery: aws.String("t0001")})
	require.NoError(t, err)
	_, err = w.client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: made.Id, KeyId: keys.Items[0].Id, KeyType: aws.String("API_KEY")})
	require.NoError(t, err)
	return made.Id, keys.Items[0].Id
}

func quotaOf(limit, offset int32, period types.QuotaPeriodType) *types.QuotaSettings {
	return &types.QuotaSettings{Limit: limit, Offset: offset, Period: period}
}

// summary asks as t0001 and returns "status message Retry-After".
func summary(w *world) string {
	r, body := w.send("GET", summaryPath, nil, "x-api-key", key1)
	if r.StatusCode == http.StatusAccepted {
		return "202"
	}
	return fmt.Sprintf("%d %s %s %s", r.StatusCode, body, r.Header.Get("X-Amzn-Errortype"), r.Header.Get("Retry-After"))
}

func TestQuotaRefusesUntilItsPeriodEnds(t *testing.T) {
	for _, c := range []struct {
		period types.QuotaPeriodType
		wait   time.Duration // from Friday 2026-11-27 10:00 UTC
	}{
		{types.QuotaPeriodTypeDay, 14 * time.Hour},
		{types.QuotaPeriodTypeWeek, 14*time.Hour + 48*time.Hour},
		{types.QuotaPeriodTypeMonth, 14*time.Hour + 72*time.Hour},
	} {
		t.Run(string(c.period), func(t *testing.T) {
			w := newWorld(t, nil).deploy()
			began := w.clock
			planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Quota: quotaOf(3, 1, c.period)})
			refused := fmt.Sprintf(`429 {"message":"Limit Exceeded"} LimitExceededException %d`, int(c.wait/time.Second))
			require.Equal(t, []string{"202", "202", refused}, []string{summary(w), summary(w), summary(w)}, "the offset counts in the first period")
			r, _ := w.send("GET", "/v1/tenants/t0002/analytics/summary", nil, "x-api-key", keyAny)
			require.Equal(t, 202, r.StatusCode, "a key without a plan")
			w.clock = began.Add(c.wait - time.Nanosecond)
			require.Contains(t, summary(w), "429")
			w.clock = began.Add(c.wait)
			require.Equal(t, []string{"202", "202", "202"}, []string{summary(w), summary(w), summary(w)})
			require.Contains(t, summary(w), "429")

			hits := w.gateway.Stats().LimitHits
			require.Len(t, hits, 1)
			require.Equal(t, "usage plan p, quota", hits[0].Limit)
			require.Equal(t, "t0001", hits[0].Resource)
			require.EqualValues(t, 3, hits[0].Count)
			require.Equal(t, "3 requests a "+string(c.period), hits[0].Allowed)
		})
	}
}

// Without limits, plans are kept and bind nobody; they bind again once there are limits.
func TestPlansCanBeOff(t *testing.T) {
	for name, limits := range map[string]apigateway.Limits{"all": apigateway.NoLimits(), "plans": withoutPlans()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &limits).deploy()
			plan, _ := planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Quota: quotaOf(1, 0, types.QuotaPeriodTypeDay),
				Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 1}})
			for range 5 {
				require.Equal(t, "202", summary(w))
			}
			kept, err := w.client.GetUsagePlan(context.Background(), &sdk.GetUsagePlanInput{UsagePlanId: plan})
			require.NoError(t, err)
			require.EqualValues(t, 1, kept.Quota.Limit)
			require.Empty(t, w.gateway.Stats().LimitHits)
		})
	}
}

func withoutPlans() apigateway.Limits {
	l := apigateway.AWSLimits()
	l.UsagePlans = false
	return l
}

func TestThrottledRequestsUseNoQuota(t *testing.T) {
	w := newWorld(t, nil).deploy()
	planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Throttle: &types.ThrottleSettings{RateLimit: 0.5, BurstLimit: 1}, Quota: quotaOf(2, 0, types.QuotaPeriodTypeDay)})
	throttled := `429 {"message":"Too Many Requests"} TooManyRequestsException 2`
	require.Equal(t, []string{"202", throttled, throttled}, []string{summary(w), summary(w), summary(w)})
	w.clock = w.clock.Add(2 * time.Second)
	require.Equal(t, "202", summary(w))
	w.clock = w.clock.Add(2 * time.Second)
	require.Contains(t, summary(w), "Limit Exceeded")
}

func TestMethodThrottle(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	apis, err := w.client.GetRestApis(ctx, &sdk.GetRestApisInput{})
	require.NoError(t, err)
	stages, err := w.client.GetStages(ctx, &sdk.GetStagesInput{RestApiId: apis.Items[0].Id})
	require.NoError(t, err)
	stage := types.ApiStage{ApiId: apis.Items[0].Id, Stage: stages.Item[0].StageName,
		Throttle: map[string]types.ThrottleSettings{"/v1/tenants/{tenant}/analytics/summary/GET": {RateLimit: 1, BurstLimit: 1}}}
	plan, _ := planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("p"), ApiStages: []types.ApiStage{stage}})
	series := func() int {
		r, _ := w.send("GET", "/v1/tenants/t0001/analytics/series", nil, "x-api-key", key1)
		return r.StatusCode
	}
	require.Equal(t, "202", summary(w))
	require.Contains(t, summary(w), "429")
	require.Equal(t, []int{202, 202, 202}, []int{series(), series(), series()}, "other methods are free")
	require.Equal(t, "usage plan p, GET /v1/tenants/{tenant}/analytics/summary", w.gateway.Stats().LimitHits[0].Limit)

	path := "/apiStages/" + *stage.ApiId + ":" + *stage.Stage
	_, err = w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String(path + "/throttle/~1v1~1tenants~1{tenant}~1analytics~1summary/GET/burstLimit"), Value: aws.String("2")}}})
	require.NoError(t, err)
	require.Equal(t, []string{"202", "202"}, []string{summary(w), summary(w)})
	require.Contains(t, summary(w), "429")
	updated, err := w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{
		{Op: types.OpRemove, Path: aws.String("/apiStages"), Value: aws.String(*stage.ApiId + ":" + *stage.Stage)}}})
	require.NoError(t, err)
	require.Empty(t, updated.ApiStages)
	require.Equal(t, "202", summary(w))
}

func TestPlansAnswerTheSDK(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	plan, key := planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("basic"), Description: aws.String("first"), Quota: quotaOf(10, 0, types.QuotaPeriodTypeWeek)})
	got, err := w.client.GetUsagePlan(ctx, &sdk.GetUsagePlanInput{UsagePlanId: plan})
	require.NoError(t, err)
	require.Equal(t, quotaOf(10, 0, types.QuotaPeriodTypeWeek), got.Quota)
	require.Nil(t, got.Throttle)
	one, err := w.client.GetUsagePlanKey(ctx, &sdk.GetUsagePlanKeyInput{UsagePlanId: plan, KeyId: key})
	require.NoError(t, err)
	require.Equal(t, "t0001", *one.Name)

	replace := func(path, value string) types.PatchOperation {
		return types.PatchOperation{Op: types.OpReplace, Path: &path, Value: &value}
	}
	require.Equal(t, "202", summary(w))
	updated, err := w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{
		replace("/name", "gold"), replace("/throttle/rateLimit", "2.5"), replace("/throttle/burstLimit", "5"), replace("/quota/limit", "2"), replace("/quota/period", "MONTH")}})
	require.NoError(t, err)
	require.Equal(t, "gold", *updated.Name)
	require.Equal(t, &types.ThrottleSettings{RateLimit: 2.5, BurstLimit: 5}, updated.Throttle)
	require.Equal(t, quotaOf(2, 0, types.QuotaPeriodTypeMonth), updated.Quota)

	var bad *types.BadRequestException
	for _, op := range []types.PatchOperation{replace("/name", ""), replace("/colour", "red"), replace("/quota/period", "YEAR"), replace("/throttle/rateLimit", "fast"),
		{Op: types.OpAdd, Path: aws.String("/apiStages"), Value: aws.String("nothing")}} {
		_, err = w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{op}})
		require.ErrorAs(t, err, &bad, "%s", *op.Path)
	}
	_, err = w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{
		{Op: types.OpRemove, Path: aws.String("/throttle")}, {Op: types.OpRemove, Path: aws.String("/quota")}}})
	require.NoError(t, err)

	_, err = w.client.DeleteUsagePlanKey(ctx, &sdk.DeleteUsagePlanKeyInput{UsagePlanId: plan, KeyId: key})
	require.NoError(t, err)
	var missing *types.NotFoundException
	_, err = w.client.GetUsagePlanKey(ctx, &sdk.GetUsagePlanKeyInput{UsagePlanId: plan, KeyId: key})
	require.ErrorAs(t, err, &missing)
	_, err = w.client.DeleteUsagePlan(ctx, &sdk.DeleteUsagePlanInput{UsagePlanId: plan})
	require.NoError(t, err)
	_, err = w.client.GetUsagePlan(ctx, &sdk.GetUsagePlanInput{UsagePlanId: plan})
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "202", summary(w), "a key without a plan is free")
	for _, in := range []*sdk.CreateUsagePlanInput{
		{Name: aws.String("")}, {Name: aws.String("p"), Quota: quotaOf(0, 0, types.QuotaPeriodTypeDay)}, {Name: aws.String("p"), Quota: quotaOf(1, 0, "YEAR")},
		{Name: aws.String("p"), Throttle: &types.ThrottleSettings{RateLimit: 1}},
	} {
		_, err = w.client.CreateUsagePlan(ctx, in)
		require.ErrorAs(t, err, &bad)
	}
}

func TestKeysAreImportedUnderTheirPlans(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	plan, err := w.client.CreateUsagePlan(ctx, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 1}})
	require.NoError(t, err)
	csv := "name,key,usageplanIds\n"
	for i := range 40 {
		csv += fmt.Sprintf("s%04d,key-of-a-shop-number-%04d,%s\n", i, i, *plan.Id)
	}
	_, err = w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv, Body: []byte(strings.Replace(csv, *plan.Id, "nosuchplan", 1))})
	var missing *types.NotFoundException
	require.ErrorAs(t, err, &missing)
	_, err = w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv, Body: []byte(csv)})
	require.NoError(t, err)
	keys, err := w.client.GetUsagePlanKeys(ctx, &sdk.GetUsagePlanKeysInput{UsagePlanId: plan.Id, Limit: aws.Int32(500)})
	require.NoError(t, err)
	require.Len(t, keys.Items, 40)
	send := func(shop string) int {
		r, _ := w.send("GET", "/v1/tenants/s"+shop+"/analytics/summary", nil, "x-api-key", "key-of-a-shop-number-"+shop)
		return r.StatusCode
	}
	require.Equal(t, []int{202, 429, 202}, []int{send("0000"), send("0000"), send("0039")}, "each key by itself")
	_, err = w.client.DeleteApiKey(ctx, &sdk.DeleteApiKeyInput{ApiKey: keys.Items[0].Id})
	require.NoError(t, err)
	keys, err = w.client.GetUsagePlanKeys(ctx, &sdk.GetUsagePlanKeysInput{UsagePlanId: plan.Id, Limit: aws.Int32(500)})
	require.NoError(t, err)
	require.Len(t, keys.Items, 39)
}

// TestUsageOutlivesTheGateway: what was used stays used when a plan changes, when its key leaves
// and comes back, and when the process ends.
func TestUsageOutlivesTheGateway(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	plan, key := planned(t, w, &sdk.CreateUsagePlanInput{Name: aws.String("p"), Quota: quotaOf(4, 0, types.QuotaPeriodTypeDay)})
	require.Equal(t, "202", summary(w))
	_, err := w.client.DeleteUsagePlanKey(ctx, &sdk.DeleteUsagePlanKeyInput{UsagePlanId: plan, KeyId: key})
	require.NoError(t, err)
	_, err = w.client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: plan, KeyId: key, KeyType: aws.String("API_KEY")})
	require.NoError(t, err)
	require.Equal(t, "202", summary(w))
	_, err = w.client.UpdateUsagePlan(ctx, &sdk.UpdateUsagePlanInput{UsagePlanId: plan, PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/quota/limit"), Value: aws.String("3")}}})
	require.NoError(t, err)
	require.Equal(t, "202", summary(w))
	require.Contains(t, summary(w), "Limit Exceeded")
	w.close()
	w.open(w.fs.CrashClone(vfs.CrashCloneCfg{}))
	require.Contains(t, summary(w), "Limit Exceeded")
}
