package cloud

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
)

// Limits are the quotas of all services. A nil entry is AWS's.
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

// ReadLimits understands "aws", "off", or the name of a YAML file that changes some of AWS's
// numbers: a mapping from service to settings. Unknown names are errors with line and column.
func ReadLimits(arg string) (Limits, error) {
	switch arg {
	case "", "aws":
		return AWSLimits(), nil
	case "off":
		return NoLimits(), nil
	}
	text, err := os.ReadFile(arg)
	if errors.Is(err, os.ErrNotExist) {
		return Limits{}, fmt.Errorf("limits %q: want aws, off or a YAML file, and there is no such file", arg)
	}
	if err != nil {
		return Limits{}, fmt.Errorf("read limits: %w", err)
	}
	// What the file does not mention keeps AWS's value: decode over the defaults.
	limits := AWSLimits()
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&limits); err != nil {
		return Limits{}, limitsError(arg, err)
	}
	limits.ensureDefaults()
	return limits, nil
}

// limitsError is a decoder's error as file:line:col: message.
func limitsError(file string, err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	message := at.GetMessage()
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		message = fmt.Sprintf("want %s, not %q", wrong.DstType, at.GetToken().Value)
	}
	p := at.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", file, p.Line, p.Column, message)
}
