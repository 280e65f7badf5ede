package cloud

import (
	"slices"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Defaults are what AWS takes where a request leaves a setting out, of all services; no two have
// operations of one name. S3's buckets have none that matters here.
func Defaults() []wire.Setting {
	return slices.Concat(dynamodb.Defaults(), firehose.Defaults(), eventbridge.Defaults(), sqs.Defaults(),
		stepfunctions.Defaults(), lambda.Defaults(), apigateway.Defaults())
}
