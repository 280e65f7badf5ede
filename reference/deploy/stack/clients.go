package stack

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// Endpoints says where the services answer and with which key.
type Endpoints struct {
	Data      string // base URL of DynamoDB, Firehose, S3, EventBridge, SQS, Step Functions
	Edge      string // base URL of API Gateway and Lambda; may equal Data
	AccessKey string
	Secret    string
}

// Clients are SDK clients for every service of the stack; safe for concurrent use.
type Clients struct {
	DynamoDB    *dynamodb.Client
	Firehose    *firehose.Client
	S3          *s3.Client
	EventBridge *eventbridge.Client
	SQS         *sqs.Client
	SFN         *sfn.Client
	Lambda      *lambda.Client
	APIGateway  *apigateway.Client
}

// NewClients builds clients that retry as the SDK's standard mode does, up to 5 attempts.
func NewClients(e Endpoints) Clients { return newClients(e) }

// newClients puts the given middleware before every call.
func newClients(e Endpoints, before ...func(*middleware.Stack) error) Clients {
	httpClient := &http.Client{
		Timeout:   65 * time.Second,
		Transport: &http.Transport{MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
	}
	at := func(url string) aws.Config {
		return aws.Config{
			Region:           Region,
			Credentials:      credentials.NewStaticCredentialsProvider(e.AccessKey, e.Secret, ""),
			BaseEndpoint:     aws.String(url),
			HTTPClient:       httpClient,
			RetryMaxAttempts: 5,
			APIOptions:       before,
		}
	}
	data, edge := at(e.Data), at(e.Edge)
	return Clients{
		DynamoDB:    dynamodb.NewFromConfig(data),
		Firehose:    firehose.NewFromConfig(data),
		S3:          s3.NewFromConfig(data, func(o *s3.Options) { o.UsePathStyle = true }),
		EventBridge: eventbridge.NewFromConfig(data),
		SQS:         sqs.NewFromConfig(data),
		SFN:         sfn.NewFromConfig(data),
		Lambda:      lambda.NewFromConfig(edge),
		APIGateway:  apigateway.NewFromConfig(edge),
	}
}
