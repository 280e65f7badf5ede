package sqs

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

const attributesSource = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"

// Defaults are a new queue's attributes.
func Defaults() []wire.Setting {
	attribute := func(member, name, aws, unit string) wire.Setting {
		return wire.Setting{Operation: "CreateQueue", Member: "Attributes." + member, Name: name, AWS: aws, Unit: unit, Source: attributesSource}
	}
	all := []wire.Setting{
		attribute("MaximumMessageSize", "largest message", strconv.Itoa(defaultMaxBytes), "bytes"),
		attribute("RedrivePolicy.maxReceiveCount", "receives until a message is a dead letter", "", ""),
	}
	for _, a := range seconds {
		all = append(all, attribute(a.name, a.describe, strconv.Itoa(a.initial), "s"))
	}
	return all
}
