package firehose

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// When a stream delivers that does not say otherwise.
const (
	defaultMiB     = 5
	defaultSeconds = 300
)

// Defaults are the settings of delivery streams.
func Defaults() []wire.Setting {
	const (
		hints  = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"
		config = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html"
	)
	of := func(member, name, aws, unit, source string) wire.Setting {
		return wire.Setting{Operation: "CreateDeliveryStream", Member: member, Name: name, AWS: aws, Unit: unit, Source: source}
	}
	s3 := func(member, name, aws, unit, source string) wire.Setting {
		return of("ExtendedS3DestinationConfiguration."+member, name, aws, unit, source)
	}
	return []wire.Setting{
		of("DeliveryStreamType", "kind of streams", "DirectPut", "", "https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html"),
		s3("BufferingHints.IntervalInSeconds", "buffering interval", strconv.Itoa(defaultSeconds), "s", hints),
		s3("BufferingHints.SizeInMBs", "buffering size", strconv.Itoa(defaultMiB), "MB", hints),
		s3("CompressionFormat", "compression of objects", "UNCOMPRESSED", "", config),
	}
}
