package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agw "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lam "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/deploy"
)

func digits(n int) string { return strconv.Itoa(n) }

// memoryMB is what power tuning left 12 of the 18 functions with.
const memoryMB = 512

type functionSpec struct {
	name       string
	timeout    time.Duration
	background bool // nobody waits for its answer
}

// functionSpecs are the functions of the reference that exist so far.
func functionSpecs() []functionSpec {
	specs := []functionSpec{
		{name: IngestEvents, timeout: 10 * time.Second},
		{name: IngestWebhooks, timeout: 10 * time.Second},
		{name: ProcessInsights, timeout: 60 * time.Second, background: true},
		{name: QueryAnalytics, timeout: 10 * time.Second},
	}
	for _, stream := range api.Streams {
		specs = append(specs, functionSpec{name: ProcessName(stream), timeout: 60 * time.Second, background: true})
	}
	return specs
}

func (d *deployment) functions(ctx context.Context) error {
	env := map[string]string{
		"CORE_TABLE": CoreTable, "ANALYTICS_TABLE": AnalyticsTable, "RAW_BUCKET": RawBucket,
	}
	if d.cfg.FunctionURL != "" {
		env["AWS_ENDPOINT_URL"] = d.cfg.FunctionURL // else Lambda gives its own
	}
	for _, stream := range api.Streams {
		env["STREAM_"+upper(stream)] = StreamName(stream)
	}
	for name, value := range d.cfg.FunctionEnv {
		env[name] = value
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, spec := range functionSpecs() {
		own := env
		if spec.background {
			// Stampede-only: on one machine, what somebody waits for goes first.
			own = maps.Clone(env)
			own["STAMPEDE_PRIORITY"] = "background"
		}
		g.Go(func() error { return d.function(ctx, spec, own) })
	}
	return g.Wait()
}

func upper(s api.Stream) string { return string(bytes.ToUpper([]byte(s))) }

// function creates one function, publishes its first version and points the alias at it.
func (d *deployment) function(ctx context.Context, spec functionSpec, env map[string]string) error {
	_, err := d.clients.Lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &spec.name, Name: aws.String(Alias)})
	if err == nil {
		return d.refresh(ctx, spec, env)
	}
	_, err = d.clients.Lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &spec.name,
		Role:         aws.String(RoleARN()),
		Runtime:      lam.RuntimeProvidedal2023,
		Handler:      &spec.name,
		MemorySize:   aws.Int32(memoryMB),
		Timeout:      aws.Int32(int32(spec.timeout / time.Second)),
		Environment:  &lam.Environment{Variables: env},
		// Stampede-only: an executable on this machine instead of an upload.
		Code: &lam.FunctionCode{S3Bucket: aws.String("hot-reload"), S3Key: &d.cfg.FunctionBinary},
	})
	if err := unlessExists(err, "ResourceConflictException"); err != nil {
		return named("create function", spec.name, err)
	}
	published, err := d.clients.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &spec.name})
	if err != nil {
		return named("publish function", spec.name, err)
	}
	_, err = d.clients.Lambda.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: &spec.name, Name: aws.String(Alias), FunctionVersion: published.Version})
	return named("create alias of", spec.name, unlessExists(err, "ResourceConflictException"))
}

// refresh publishes a version with today's code and configuration when either differs from the
// alias's, and sends all traffic to it.
func (d *deployment) refresh(ctx context.Context, spec functionSpec, env map[string]string) error {
	live, err := d.clients.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
		FunctionName: &spec.name, Qualifier: aws.String(Alias)})
	if err != nil {
		return named("get function", spec.name, err)
	}
	code, err := d.clients.Lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
		FunctionName: &spec.name, S3Bucket: aws.String("hot-reload"), S3Key: &d.cfg.FunctionBinary})
	if err != nil {
		return named("update code of", spec.name, err)
	}
	timeout := int32(spec.timeout / time.Second)
	if aws.ToString(code.CodeSha256) == aws.ToString(live.CodeSha256) && aws.ToInt32(live.Timeout) == timeout && aws.ToInt32(live.MemorySize) == memoryMB &&
		live.Environment != nil && maps.Equal(live.Environment.Variables, env) {
		return nil
	}
	if _, err := d.clients.Lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &spec.name, Timeout: &timeout, MemorySize: aws.Int32(memoryMB), Environment: &lam.Environment{Variables: env}}); err != nil {
		return named("configure function", spec.name, err)
	}
	published, err := d.clients.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &spec.name})
	if err != nil {
		return named("publish function", spec.name, err)
	}
	_, err = d.clients.Lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &spec.name, Name: aws.String(Alias), FunctionVersion: published.Version,
		RoutingConfig: &lam.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}})
	return named("update alias of", spec.name, err)
}

// mappings connects each stream's queue to its function.
func (d *deployment) mappings(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, stream := range api.Streams {
		g.Go(func() error {
			name := ProcessName(stream)
			_, err := d.clients.Lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
				FunctionName:          aws.String(FunctionARN(name, Alias)),
				EventSourceArn:        aws.String(QueueARN(name)),
				BatchSize:             aws.Int32(processBatchSize),
				FunctionResponseTypes: reported,
			})
			if exists(err, "ResourceConflictException") {
				return d.remap(ctx, name)
			}
			return named("map queue", name, err)
		})
	}
	return g.Wait()
}

// reported are the answers of functions behind queues.
var reported = []lam.FunctionResponseType{lam.FunctionResponseTypeReportBatchItemFailures}

// remap changes an existing mapping if its batches or answers differ.
func (d *deployment) remap(ctx context.Context, name string) error {
	out, err := d.clients.Lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{
		FunctionName: aws.String(FunctionARN(name, Alias)), EventSourceArn: aws.String(QueueARN(name))})
	if err != nil {
		return named("find mapping of queue", name, err)
	}
	for _, m := range out.EventSourceMappings {
		if aws.ToInt32(m.BatchSize) == processBatchSize && slices.Equal(m.FunctionResponseTypes, reported) {
			continue
		}
		if _, err := d.clients.Lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{
			UUID: m.UUID, BatchSize: aws.Int32(processBatchSize), FunctionResponseTypes: reported}); err != nil {
			return named("change mapping of queue", name, err)
		}
	}
	return nil
}

// rules sends each stream's new objects to its queue.
func (d *deployment) rules(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, stream := range api.Streams {
		g.Go(func() error {
			name := "objects-" + string(stream)
			pattern, err := json.Marshal(map[string]any{
				"source":      []string{"aws.s3"},
				"detail-type": []string{"Object Created"},
				"detail": map[string]any{
					"bucket": map[string]any{"name": []string{RawBucket}},
					"object": map[string]any{"key": []any{map[string]string{"prefix": string(stream) + "/"}}},
				},
			})
			if err != nil {
				return named("encode pattern of", name, err)
			}
			if _, err := d.clients.EventBridge.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(string(pattern))}); err != nil {
				return named("put rule", name, err)
			}
			return d.target(ctx, name, eb.Target{Id: aws.String("queue"), Arn: aws.String(QueueARN(ProcessName(stream)))})
		})
	}
	return g.Wait()
}

func (d *deployment) target(ctx context.Context, rule string, target eb.Target) error {
	_, err := d.clients.EventBridge.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &rule, Targets: []eb.Target{target}})
	return named("put target of rule", rule, err)
}

// rollUps creates the state machine and its schedule, and starts the first execution, since
// a rate rule first fires one period after it was made.
func (d *deployment) rollUps(ctx context.Context) error {
	definition, err := deploy.RollUpDefinition(FunctionARN(ProcessInsights, Alias), d.cfg.Passes)
	if err != nil {
		return named("define", StateMachine, err)
	}
	_, err = d.clients.SFN.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String(StateMachine), Definition: &definition, RoleArn: aws.String(RoleARN())})
	if exists(err, "StateMachineAlreadyExists") {
		// Creating it again as it is succeeds; executions that run keep the definition they began with.
		_, err = d.clients.SFN.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{
			StateMachineArn: aws.String(StateMachineARN()), Definition: &definition, RoleArn: aws.String(RoleARN())})
	}
	if err != nil {
		return named("create state machine", StateMachine, err)
	}
	if _, err := d.clients.EventBridge.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String(ScheduleRule), ScheduleExpression: aws.String("rate(1 minute)")}); err != nil {
		return named("put rule", ScheduleRule, err)
	}
	if err := d.target(ctx, ScheduleRule, eb.Target{
		Id: aws.String("roll-up"), Arn: aws.String(StateMachineARN()), RoleArn: aws.String(RoleARN()), Input: aws.String("{}")}); err != nil {
		return err
	}
	_, err = d.clients.SFN.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(StateMachineARN()), Input: aws.String("{}")})
	return named("start", StateMachine, err)
}

// restAPI imports the OpenAPI document, deploys it and loads the tenants' API keys,
// each under its usage plan: one call for all.
func (d *deployment) restAPI(ctx context.Context) error {
	existing, err := d.clients.APIGateway.GetRestApis(ctx, &apigateway.GetRestApisInput{})
	if err != nil {
		return named("list", "rest APIs", err)
	}
	if len(existing.Items) > 0 {
		if _, err := d.clients.APIGateway.PutRestApi(ctx, &apigateway.PutRestApiInput{
			RestApiId: existing.Items[0].Id, Mode: agw.PutModeOverwrite, Body: api.Document()}); err != nil {
			return named("update", RestAPI, err)
		}
		// An Apply that died between importing and deploying is made good too.
		if _, err := d.clients.APIGateway.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: existing.Items[0].Id, StageName: aws.String("live")}); err != nil {
			return named("deploy", RestAPI, err)
		}
	} else {
		imported, err := d.clients.APIGateway.ImportRestApi(ctx, &apigateway.ImportRestApiInput{Body: api.Document()})
		if err != nil {
			return named("import", RestAPI, err)
		}
		if _, err := d.clients.APIGateway.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: imported.Id, StageName: aws.String("live")}); err != nil {
			return named("deploy", RestAPI, err)
		}
	}
	plans, err := d.usagePlans(ctx)
	if err != nil {
		return err
	}
	return d.keys(ctx, plans)
}
