package firehose

import (
	"fmt"
	"time"
)

// objectKey names the object of a segment in AWS's style: the prefix, the UTC
// hour in which its first record arrived, the stream, its version, the second
// and, where AWS has a random id, the sequence number of the first record.
//
// Source: https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
func objectKey(prefix, stream string, opened time.Time, first uint64) string {
	opened = opened.UTC()
	return prefix + opened.Format("2006/01/02/15/") + stream + "-1-" + opened.Format("2006-01-02-15-04-05") +
		fmt.Sprintf("-%016x", first)
}
