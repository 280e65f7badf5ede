package firehose

import "math"

// quotas is where AWS lists the limits of Firehose.
const quotas = "https://docs.aws.amazon.com/firehose/latest/dev/limits.html"

// Limits are the quotas that Firehose imposes. The zero value of a field is no
// limit at all; AWSLimits has AWS's numbers.
type Limits struct {
	// RecordsPerSecond is a stream's rate of records: 500,000/s in us-east-1.
	// Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
	RecordsPerSecond float64 `yaml:"records_per_second"`
	// RequestsPerSecond is a stream's rate of calls: 2,000/s in us-east-1.
	// Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
	RequestsPerSecond float64 `yaml:"requests_per_second"`
	// BytesPerSecond is a stream's rate of data: 5 MiB/s in us-east-1.
	// Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
	BytesPerSecond float64 `yaml:"bytes_per_second"`
	// BatchRecords is the most records in a call: 500.
	// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
	BatchRecords int `yaml:"batch_records"`
	// BatchBytes is the most data in a call, before base64: 4 MiB.
	// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
	BatchBytes int `yaml:"batch_bytes"`
	// RecordBytes is the largest record, before base64: 1,000 KiB.
	// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
	RecordBytes int `yaml:"record_bytes"`
	// Streams is the most streams in a region: 5,000.
	// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html
	Streams int `yaml:"streams"`
}

// AWSLimits are AWS's quotas in us-east-1.
func AWSLimits() Limits {
	return Limits{RecordsPerSecond: 500_000, RequestsPerSecond: 2_000, BytesPerSecond: 5 << 20,
		BatchRecords: 500, BatchBytes: 4 << 20, RecordBytes: 1_000 << 10, Streams: 5_000}
}

// NoLimits imposes nothing.
func NoLimits() Limits { return Limits{} }

// orMax is n, or no limit if n is zero.
func orMax(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}
