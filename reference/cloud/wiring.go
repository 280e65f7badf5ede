package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	s3sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	sfnsdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
)

// config is for SDK clients of a service, here or at the peer. The services themselves retry,
// so the clients do not.
func (c *Cloud) config(s Service) aws.Config {
	access, secret := c.ownKey()
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(c.endpoint(s)), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}},
	}
}

// objects is where Firehose delivers.
func (c *Cloud) objects() firehose.Objects {
	if c.s3 != nil {
		return c.s3
	}
	client := s3sdk.NewFromConfig(c.config(S3), func(o *s3sdk.Options) { o.UsePathStyle = true })
	return putObject(func(ctx context.Context, bucket, key string, body []byte) error {
		_, err := client.PutObject(ctx, &s3sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(string(body))})
		return err
	})
}

type putObject func(ctx context.Context, bucket, key string, body []byte) error

func (f putObject) Put(ctx context.Context, bucket, key string, body []byte) error {
	return f(ctx, bucket, key, body)
}

// objectEvents announces new objects on the event bus, if it is served here.
func (c *Cloud) objectEvents() s3.Events {
	if c.eventbridge == nil {
		return nil
	}
	return busEvents{bus: c.eventbridge}
}

type busEvents struct{ bus *eventbridge.Service }

// ObjectCreated puts the event that S3 sends to EventBridge
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
func (b busEvents) ObjectCreated(ctx context.Context, bucket, key string, size int64, etag string, at time.Time) error {
	detail, err := json.Marshal(map[string]any{
		"version": "0", "bucket": map[string]string{"name": bucket},
		"object": map[string]any{"key": key, "size": size, "etag": etag},
		"reason": "PutObject",
	})
	if err != nil {
		return fmt.Errorf("encode event of %s/%s: %w", bucket, key, err)
	}
	return b.bus.Put(ctx, eventbridge.Entry{Source: "aws.s3", DetailType: "Object Created", Detail: detail, Time: at, Resources: []string{"arn:aws:s3:::" + bucket}})
}

// targets delivers events by the kind of their target.
func (c *Cloud) targets() eventbridge.Targets {
	t := &busTargets{cloud: c, lambda: lambdasdk.NewFromConfig(c.config(Lambda))}
	if c.sqs == nil {
		t.sqs = sqssdk.NewFromConfig(c.config(SQS))
	}
	t.states = sfnsdk.NewFromConfig(c.config(StepFunctions))
	return t
}

type busTargets struct {
	cloud  *Cloud
	sqs    *sqssdk.Client
	states *sfnsdk.Client
	lambda *lambdasdk.Client
}

func (t *busTargets) Deliver(ctx context.Context, arn string, payload []byte) error {
	switch service := strings.SplitN(arn, ":", 4); {
	case len(service) < 4:
	case service[2] == "sqs" && t.cloud.sqs != nil:
		return t.cloud.sqs.Send(ctx, arn, string(payload))
	case service[2] == "sqs":
		_, err := t.sqs.SendMessage(ctx, &sqssdk.SendMessageInput{QueueUrl: aws.String(t.cloud.queueURL(arn)), MessageBody: aws.String(string(payload))})
		return err
	case service[2] == "states" && t.cloud.stepfunctions != nil:
		_, err := t.cloud.stepfunctions.StartExecution(ctx, arn, "", payload)
		return err
	case service[2] == "states":
		_, err := t.states.StartExecution(ctx, &sfnsdk.StartExecutionInput{StateMachineArn: &arn, Input: aws.String(string(payload))})
		return err
	case service[2] == "lambda":
		_, err := t.lambda.Invoke(ctx, &lambdasdk.InvokeInput{FunctionName: &arn, Payload: payload, InvocationType: lambdatypes.InvocationTypeEvent})
		return err
	}
	return fmt.Errorf("deliver to %s: events go to queues, state machines and functions", arn)
}

// queueURL is the address of a queue by its ARN.
func (c *Cloud) queueURL(arn string) string {
	parts := strings.Split(arn, ":")
	return c.endpoint(SQS) + "/" + parts[len(parts)-2] + "/" + parts[len(parts)-1]
}

// functions is how Step Functions invokes.
func (c *Cloud) functions() stepfunctions.Invoker {
	return taskFunctions{client: lambdasdk.NewFromConfig(c.config(Lambda))}
}

type taskFunctions struct{ client *lambdasdk.Client }

func (f taskFunctions) Invoke(ctx context.Context, functionARN string, payload []byte) ([]byte, error) {
	out, err := f.client.Invoke(ctx, &lambdasdk.InvokeInput{FunctionName: &functionARN, Payload: payload})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		return nil, stepfunctions.NewFunctionError(out.Payload)
	}
	return out.Payload, nil
}

// invoker is how the gateway calls functions: in this process.
func (c *Cloud) invoker() apigateway.Invoker { return gatewayInvoker{c.lambda} }

type gatewayInvoker struct{ lambda *lambda.Service }

func (g gatewayInvoker) Invoke(ctx context.Context, functionARN string, payload []byte) ([]byte, string, string, error) {
	if g.lambda == nil {
		return nil, "", "", fmt.Errorf("invoke %s: lambda is not served in this process", functionARN)
	}
	function, qualifier := splitFunctionARN(functionARN)
	r, err := g.lambda.Invoke(ctx, function, qualifier, payload, nil)
	return r.Payload, r.FunctionError, r.ExecutedVersion, err
}

// splitFunctionARN takes arn:aws:lambda:region:account:function:name[:qualifier] apart.
func splitFunctionARN(arn string) (function, qualifier string) {
	parts := strings.SplitN(arn, ":", 8)
	if len(parts) < 7 {
		return arn, ""
	}
	if len(parts) == 8 {
		qualifier = parts[7]
	}
	return parts[6], qualifier
}

// queue is how event source mappings read SQS, here or at the peer.
func (c *Cloud) queue() lambda.Queue {
	return mappingQueue{cloud: c, client: sqssdk.NewFromConfig(c.config(SQS))}
}

type mappingQueue struct {
	cloud  *Cloud
	client *sqssdk.Client
}

func (q mappingQueue) Receive(ctx context.Context, queueARN string, most int, wait time.Duration) ([]lambda.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqssdk.ReceiveMessageInput{
		QueueUrl: aws.String(q.cloud.queueURL(queueARN)), MaxNumberOfMessages: int32(min(most, 10)), WaitTimeSeconds: int32(wait / time.Second),
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, err
	}
	messages := make([]lambda.Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = lambda.Message{ID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body), MD5: aws.ToString(m.MD5OfBody), Attributes: m.Attributes}
		if len(m.MessageAttributes) > 0 {
			messages[i].MessageAttributes = make(map[string]events.SQSMessageAttribute, len(m.MessageAttributes))
			for name, a := range m.MessageAttributes {
				messages[i].MessageAttributes[name] = events.SQSMessageAttribute{StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: aws.ToString(a.DataType)}
			}
		}
	}
	return messages, nil
}

func (q mappingQueue) Delete(ctx context.Context, queueARN string, receipts []string) error {
	entries := make([]sqstypes.DeleteMessageBatchRequestEntry, len(receipts))
	for i, receipt := range receipts {
		entries[i] = sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt}
	}
	out, err := q.client.DeleteMessageBatch(ctx, &sqssdk.DeleteMessageBatchInput{QueueUrl: aws.String(q.cloud.queueURL(queueARN)), Entries: entries})
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("delete %d of %d messages: %s", len(out.Failed), len(receipts), aws.ToString(out.Failed[0].Code))
	}
	return err
}

func (q mappingQueue) Release(ctx context.Context, queueARN string, receipts []string) error {
	entries := make([]sqstypes.ChangeMessageVisibilityBatchRequestEntry, len(receipts))
	for i, receipt := range receipts {
		entries[i] = sqstypes.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt, VisibilityTimeout: 0}
	}
	_, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqssdk.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(q.cloud.queueURL(queueARN)), Entries: entries})
	return err
}

// pebbleLog passes Pebble's complaints on; its chatter is dropped.
type pebbleLog struct{ log *slog.Logger }

func (l pebbleLog) Infof(string, ...any) {}
func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("pebble", "message", fmt.Sprintf(format, args...))
}
func (l pebbleLog) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
