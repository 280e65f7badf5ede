package cloud

import (
	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
)

// Limits are the quotas of all services, under the services' names in a file of limits. A nil entry
// is AWS's.
type Limits struct {
	DynamoDB      *dynamodb.Limits      `yaml:"dynamodb"`
	Firehose      *firehose.Limits      `yaml:"firehose"`
	S3            *s3.Limits            `yaml:"s3"`
	EventBridge   *eventbridge.Limits   `yaml:"events"`
	SQS           *sqs.Limits           `yaml:"sqs"`
	StepFunctions *stepfunctions.Limits `yaml:"states"`
	Lambda        *lambda.Limits        `yaml:"lambda"`
	APIGateway    *apigateway.Limits    `yaml:"apigateway"`
}

// AWSLimits are AWS's documented defaults.
func AWSLimits() Limits {
	var l Limits
	l.ensureDefaults()
	return l
}

// NoLimits is raw speed.
func NoLimits() Limits {
	return Limits{
		DynamoDB: ptr(dynamodb.NoLimits()), Firehose: ptr(firehose.NoLimits()), S3: ptr(s3.NoLimits()),
		EventBridge: ptr(eventbridge.NoLimits()), SQS: ptr(sqs.NoLimits()), StepFunctions: ptr(stepfunctions.NoLimits()),
		Lambda: ptr(lambda.NoLimits()), APIGateway: ptr(apigateway.NoLimits()),
	}
}

func ptr[T any](v T) *T { return &v }

func orDefault[T any](p **T, def func() T) {
	if *p == nil {
		*p = ptr(def())
	}
}

func (l *Limits) ensureDefaults() {
	orDefault(&l.DynamoDB, dynamodb.AWSLimits)
	orDefault(&l.Firehose, firehose.AWSLimits)
	orDefault(&l.S3, s3.AWSLimits)
	orDefault(&l.EventBridge, eventbridge.AWSLimits)
	orDefault(&l.SQS, sqs.AWSLimits)
	orDefault(&l.StepFunctions, stepfunctions.AWSLimits)
	orDefault(&l.Lambda, lambda.AWSLimits)
	orDefault(&l.APIGateway, apigateway.AWSLimits)
}
