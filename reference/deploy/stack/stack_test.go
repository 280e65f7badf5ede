package stack_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agw "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/deploy"
	"github.com/retailflow/stampede/reference/deploy/stack"
)

// applied is a platform on a data directory after an Apply.
type applied struct {
	*testing.T
	stack.Clients
	close func()
}

func apply(t *testing.T, dir string, cfg stack.Config) applied {
	t.Helper()
	c, err := cloud.Open(cloud.Options{DataDir: dir})
	require.NoError(t, err)
	a := applied{T: t, close: func() { require.NoError(t, c.Close()) }}
	cfg.Endpoints = stack.Endpoints{Data: c.URL(), Edge: c.URL(), AccessKey: "local", Secret: "local"}
	cfg.FunctionBinary = "/bin/false"      // nothing is sent through it here
	cfg.FunctionURL = "http://127.0.0.1:1" // the same at each opening
	a.Clients = stack.NewClients(cfg.Endpoints)
	began := time.Now()
	if _, err := stack.Apply(t.Context(), cfg); err != nil {
		a.close()
		require.NoError(t, err)
	}
	t.Logf("applied after %s", time.Since(began).Round(time.Millisecond))
	return a
}

// state is what Apply owns, as the services tell it; versions change when something is written.
type state struct {
	Interval, SizeMB  int32
	StreamVersion     string
	Visibility        string
	Retention         string
	Definition        string
	MachineRevision   string
	Timeout, MemoryMB int32
	Environment       map[string]string
	Version           string
	BatchSize         int32
	Title             string
	Plans             []stack.UsagePlan
}

func (a applied) state() state {
	a.Helper()
	ctx := a.Context()
	var s state
	stream, err := a.Firehose.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String(stack.StreamName(api.Orders))})
	require.NoError(a, err)
	hints := stream.DeliveryStreamDescription.Destinations[0].ExtendedS3DestinationDescription.BufferingHints
	s.Interval, s.SizeMB, s.StreamVersion = *hints.IntervalInSeconds, *hints.SizeInMBs, *stream.DeliveryStreamDescription.VersionId
	s.Visibility = a.queue(stack.ProcessName(api.Orders), sqstypes.QueueAttributeNameVisibilityTimeout)
	s.Retention = a.queue(stack.DeadLetterQueue(api.Orders), sqstypes.QueueAttributeNameMessageRetentionPeriod)
	machine, err := a.SFN.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(stack.StateMachineARN())})
	require.NoError(a, err)
	s.Definition, s.MachineRevision = *machine.Definition, aws.ToString(machine.RevisionId)
	f, err := a.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(stack.IngestEvents), Qualifier: aws.String(stack.Alias)})
	require.NoError(a, err)
	s.Timeout, s.MemoryMB, s.Environment, s.Version = *f.Timeout, *f.MemorySize, f.Environment.Variables, *f.Version
	s.BatchSize = *a.mapping().BatchSize
	apis, err := a.APIGateway.GetRestApis(ctx, &apigateway.GetRestApisInput{})
	require.NoError(a, err)
	require.Len(a, apis.Items, 1)
	s.Title = *apis.Items[0].Name
	plans, err := a.APIGateway.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{})
	require.NoError(a, err)
	for _, p := range plans.Items {
		is := stack.UsagePlan{Name: *p.Name, Rate: p.Throttle.RateLimit, Burst: int(p.Throttle.BurstLimit)}
		if p.Quota != nil {
			is.DailyQuota = int(p.Quota.Limit)
		}
		s.Plans = append(s.Plans, is)
	}
	slices.SortFunc(s.Plans, func(a, b stack.UsagePlan) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func (a applied) queue(name string, attribute sqstypes.QueueAttributeName) string {
	a.Helper()
	url, err := a.SQS.GetQueueUrl(a.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	require.NoError(a, err)
	out, err := a.SQS.GetQueueAttributes(a.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{attribute}})
	require.NoError(a, err)
	return out.Attributes[string(attribute)]
}

func (a applied) mapping() *lambda.GetEventSourceMappingOutput {
	a.Helper()
	out, err := a.Lambda.ListEventSourceMappings(a.Context(), &lambda.ListEventSourceMappingsInput{EventSourceArn: aws.String(stack.QueueARN(stack.ProcessName(api.Orders)))})
	require.NoError(a, err)
	require.Len(a, out.EventSourceMappings, 1)
	m, err := a.Lambda.GetEventSourceMapping(a.Context(), &lambda.GetEventSourceMappingInput{UUID: out.EventSourceMappings[0].UUID})
	require.NoError(a, err)
	return m
}

func config(interval time.Duration, passes deploy.Passes) stack.Config {
	return stack.Config{BufferInterval: interval, BufferBytes: 5_000_000, Passes: passes, FunctionEnv: map[string]string{"SETTING": interval.String()}}
}

// TestApplyConverges: an Apply on a kept data directory leaves what one on an empty directory
// leaves, whatever settings the directory was made with.
func TestApplyConverges(t *testing.T) {
	dir := t.TempDir()
	old := apply(t, dir, config(2*time.Second, deploy.Passes{Interval: 5 * time.Second}))
	require.EqualValues(t, 2, old.state().Interval)
	require.ElementsMatch(t, stack.UsagePlans(), old.state().Plans)
	old.close()

	wanted := config(3*time.Second, deploy.Passes{Interval: 7 * time.Second, Workers: 2})
	wanted.Plans = []stack.UsagePlan{{Name: "enterprise", Rate: 2000, Burst: 4000}, {Name: "growth", Rate: 7.5, Burst: 9}, {Name: "starter", Rate: 100, Burst: 200, DailyQuota: 5}}
	kept := apply(t, dir, wanted)
	first := kept.state()
	kept.close()
	fresh := apply(t, t.TempDir(), wanted)
	require.Equal(t, settings(fresh.state()), settings(first))
	fresh.close()
	require.EqualValues(t, 3, first.Interval)
	require.Contains(t, first.Definition, `"seconds":7`)
	require.Equal(t, "3s", first.Environment["SETTING"])
	require.Equal(t, wanted.Plans, first.Plans)

	again := apply(t, dir, wanted)
	require.Equal(t, first, again.state(), "what does not differ is not written")
	again.close()
}

// TestApplyUndoesWhatOthersChanged: settings that have no place in a Config are those of this
// build, and a directory may be another build's.
func TestApplyUndoesWhatOthersChanged(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	cfg := config(2*time.Second, deploy.Passes{})
	a := apply(t, dir, cfg)
	before := a.state()
	_, err := a.Lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String(stack.IngestEvents), Timeout: aws.Int32(7), MemorySize: aws.Int32(256)})
	require.NoError(t, err)
	published, err := a.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String(stack.IngestEvents)})
	require.NoError(t, err)
	_, err = a.Lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String(stack.IngestEvents), Name: aws.String(stack.Alias), FunctionVersion: published.Version})
	require.NoError(t, err)
	for name, attributes := range map[string]map[string]string{
		stack.ProcessName(api.Orders): {"VisibilityTimeout": "30"}, stack.DeadLetterQueue(api.Orders): {"MessageRetentionPeriod": "60"},
	} {
		url, err := a.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		require.NoError(t, err)
		_, err = a.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url.QueueUrl, Attributes: attributes})
		require.NoError(t, err)
	}
	_, err = a.Lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: a.mapping().UUID, BatchSize: aws.Int32(3)})
	require.NoError(t, err)
	apis, err := a.APIGateway.GetRestApis(ctx, &apigateway.GetRestApisInput{})
	require.NoError(t, err)
	other := bytes.Replace(api.Document(), []byte(before.Title), []byte("Another build"), 1)
	_, err = a.APIGateway.PutRestApi(ctx, &apigateway.PutRestApiInput{RestApiId: apis.Items[0].Id, Mode: agw.PutModeOverwrite, Body: other})
	require.NoError(t, err)
	changed := a.state()
	require.NotEqual(t, before.Title, changed.Title)
	require.EqualValues(t, 7, changed.Timeout)
	require.Equal(t, "30", changed.Visibility)
	require.EqualValues(t, 3, changed.BatchSize)
	a.close()

	a = apply(t, dir, cfg)
	defer a.close()
	require.Equal(t, settings(before), settings(a.state()))
}

// settings is a state without what counts its changes.
func settings(s state) state {
	s.StreamVersion, s.MachineRevision, s.Version = "", "", ""
	return s
}

// plansOf is each tenant's plan, by the names of its key and the plan.
func (a applied) plansOf() map[string]string {
	a.Helper()
	plans, err := a.APIGateway.GetUsagePlans(a.Context(), &apigateway.GetUsagePlansInput{})
	require.NoError(a, err)
	of := map[string]string{}
	for _, plan := range plans.Items {
		keys, err := a.APIGateway.GetUsagePlanKeys(a.Context(), &apigateway.GetUsagePlanKeysInput{UsagePlanId: plan.Id})
		require.NoError(a, err)
		for _, key := range keys.Items {
			of[*key.Name] = *plan.Name
		}
	}
	return of
}

// TestApplyPutsKeptKeysUnderTheirPlans: keys that were imported before there were plans, or when
// their tenant had another one, get the plan of today; those of others are left alone.
func TestApplyPutsKeptKeysUnderTheirPlans(t *testing.T) {
	dir := t.TempDir()
	cfg := config(2*time.Second, deploy.Passes{})
	for _, id := range []string{"t0001", "t0002", "t0003"} {
		cfg.Tenants = append(cfg.Tenants, stack.Tenant{ID: id, Zone: "UTC", Currency: "EUR", Platform: "custom", APIKey: "a-key-of-some-length-" + id})
	}
	cfg.Plans = []stack.UsagePlan{} // a directory from before
	a := apply(t, dir, cfg)
	require.Empty(t, a.plansOf())
	a.close()

	cfg.Plans = nil
	cfg.Tenants[0].Plan, cfg.Tenants[1].Plan = "growth", "starter"
	a = apply(t, dir, cfg)
	require.Equal(t, map[string]string{"t0001": "growth", "t0002": "starter"}, a.plansOf())
	made, err := a.APIGateway.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("by hand"), Enabled: true})
	require.NoError(t, err)
	plans, err := a.APIGateway.GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
	require.NoError(t, err)
	_, err = a.APIGateway.CreateUsagePlanKey(t.Context(), &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plans.Items[0].Id, KeyId: made.Id, KeyType: aws.String("API_KEY")})
	require.NoError(t, err)
	a.close()

	cfg.Tenants[0].Plan, cfg.Tenants[1].Plan, cfg.Tenants[2].Plan = "enterprise", "", "starter"
	cfg.Tenants = append(cfg.Tenants, stack.Tenant{ID: "t0004", Zone: "UTC", Currency: "EUR", Platform: "custom", Plan: "growth", APIKey: "a-key-of-some-length-t0004"})
	a = apply(t, dir, cfg)
	defer a.close()
	require.Equal(t, map[string]string{"t0001": "enterprise", "t0003": "starter", "t0004": "growth", "by hand": *plans.Items[0].Name}, a.plansOf())
}
