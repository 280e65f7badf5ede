package dynamodb

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// streamOperations are those of the API of DynamoDB Streams, by action.
var streamOperations = map[string]operation{
	"DescribeStream":   (*call).describeStream,
	"GetRecords":       (*call).getRecords,
	"GetShardIterator": (*call).getShardIterator,
	"ListStreams":      (*call).listStreams,
}

// Sizes of the API of streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
const (
	maxStreams       = 100
	maxShards        = 100
	maxRecords       = 1000
	maxRecordsBytes  = 1 << 20
	minStreamARN     = 37
	maxStreamARN     = 1024
	minShardID       = 28
	maxShardID       = 65
	minSequence      = 21
	maxSequence      = 40
	maxShardIterator = 2048
)

// length checks how long a text is.
func (c *constraints) length(text *string, member string, required bool, least, most int) {
	switch {
	case text == nil:
		c.notNull(required, member)
	case len(*text) < least:
		c.add(*text, member, fmt.Sprintf("Member must have length greater than or equal to %d", least))
	case len(*text) > most:
		c.add(*text, member, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

// upTo checks a limit and fills in what it is without one.
func (c *constraints) upTo(limit *int64, most int64) int {
	if limit == nil {
		return int(most)
	}
	c.atLeast(true, *limit, 1, "limit")
	if *limit > most {
		c.add(strconv.FormatInt(*limit, 10), "limit", fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	return int(*limit)
}

// stream finds the stream of an ARN.
func (c *call) stream(arn string) (*store.Stream, streamDescription, error) {
	if !strings.HasPrefix(arn, "arn:aws:dynamodb:") || !strings.Contains(arn, "/stream/") {
		return nil, streamDescription{}, invalid("Invalid StreamArn")
	}
	st := c.s.findStream(arn)
	if st == nil {
		return nil, streamDescription{}, refuse(codeNotFound, "Requested resource not found: Stream: %s not found", arn)
	}
	d, err := describeStored(st)
	return st, d, err
}

func (c *call) listStreams() error {
	var in struct {
		TableName               *string
		Limit                   *int64
		ExclusiveStartStreamArn *string
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	limit := bad.upTo(in.Limit, maxStreams)
	bad.length(in.ExclusiveStartStreamArn, "exclusiveStartStreamArn", false, minStreamARN, maxStreamARN)
	if in.TableName != nil {
		bad.name(cutARN([]byte(*in.TableName)), "tableName", true)
	}
	if err := bad.err(); err != nil {
		return err
	}
	after := uint32(0)
	if in.ExclusiveStartStreamArn != nil {
		st, _, err := c.stream(*in.ExclusiveStartStreamArn)
		if err != nil {
			return err
		}
		after = st.ID()
	}
	type stream struct{ StreamArn, StreamLabel, TableName string }
	var out struct {
		LastEvaluatedStreamArn string `json:",omitempty"`
		Streams                []stream
	}
	out.Streams = []stream{}
	for _, st := range c.s.store.Streams() {
		d, err := describeStored(st)
		if err != nil {
			return err
		}
		if st.ID() <= after || in.TableName != nil && d.Table != string(cutARN([]byte(*in.TableName))) {
			continue
		}
		if len(out.Streams) == limit {
			out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
			break
		}
		out.Streams = append(out.Streams, stream{d.arn(c.s), d.Label, d.Table})
	}
	return c.encodeJSON(out)
}

// shardDescription is a shard on the wire.
type shardDescription struct {
	ShardID             string `json:"ShardId"`
	ParentShardID       string `json:"ParentShardId,omitempty"`
	SequenceNumberRange struct {
		StartingSequenceNumber string
		EndingSequenceNumber   string `json:",omitempty"`
	}
}

// describeShards are the shards of a stream in order. The parent of the first is trimmed.
func describeShards(c store.Course) []shardDescription {
	out := make([]shardDescription, len(c.Shards))
	for i, sh := range c.Shards {
		out[i].ShardID = shardID(sh)
		if i > 0 {
			out[i].ParentShardID = out[i-1].ShardID
		}
		out[i].SequenceNumberRange.StartingSequenceNumber = sequenceNumber(sh.From)
		if !sh.Ended.IsZero() {
			out[i].SequenceNumberRange.EndingSequenceNumber = sequenceNumber(sh.To - 1)
		}
	}
	return out
}

func (c *call) describeStream() error {
	var in struct {
		StreamArn             *string
		Limit                 *int64
		ExclusiveStartShardID *string `json:"ExclusiveStartShardId"`
		ShardFilter           *struct {
			Type    string
			ShardID *string `json:"ShardId"`
		}
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	bad.length(in.StreamArn, "streamArn", true, minStreamARN, maxStreamARN)
	limit := bad.upTo(in.Limit, maxShards)
	bad.length(in.ExclusiveStartShardID, "exclusiveStartShardId", false, minShardID, maxShardID)
	if f := in.ShardFilter; f != nil {
		bad.oneOf([]byte(f.Type), "shardFilter.type", "CHILD_SHARDS")
		bad.length(f.ShardID, "shardFilter.shardId", true, minShardID, maxShardID)
	}
	if err := bad.err(); err != nil {
		return err
	}
	st, d, err := c.stream(*in.StreamArn)
	if err != nil {
		return err
	}
	course, status, last := st.Course(), "ENABLED", ""
	if !course.Closed.IsZero() {
		status = "DISABLED"
	}
	shards := []shardDescription{}
	for _, sh := range describeShards(course) {
		if in.ExclusiveStartShardID != nil && sh.ShardID <= *in.ExclusiveStartShardID || in.ShardFilter != nil && sh.ParentShardID != *in.ShardFilter.ShardID {
			continue
		}
		if len(shards) == limit {
			last = shards[limit-1].ShardID
			break
		}
		shards = append(shards, sh)
	}
	out := map[string]any{
		"StreamArn": *in.StreamArn, "StreamLabel": d.Label, "StreamStatus": status, "StreamViewType": d.View,
		"CreationRequestDateTime": seconds(d.Created), "TableName": d.Table, "KeySchema": d.Keys, "Shards": shards,
	}
	if last != "" {
		out["LastEvaluatedShardId"] = last
	}
	return c.encodeJSON(map[string]any{"StreamDescription": out})
}

func (c *call) getShardIterator() error {
	var in struct {
		StreamArn         *string
		ShardID           *string `json:"ShardId"`
		ShardIteratorType *string
		SequenceNumber    *string
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	bad.length(in.StreamArn, "streamArn", true, minStreamARN, maxStreamARN)
	bad.length(in.ShardID, "shardId", true, minShardID, maxShardID)
	bad.notNull(in.ShardIteratorType == nil, "shardIteratorType")
	if in.ShardIteratorType != nil {
		bad.oneOf([]byte(*in.ShardIteratorType), "shardIteratorType", "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
	}
	bad.length(in.SequenceNumber, "sequenceNumber", false, minSequence, maxSequence)
	if err := bad.err(); err != nil {
		return err
	}
	st, _, err := c.stream(*in.StreamArn)
	if err != nil {
		return err
	}
	course := st.Course()
	sh, ok := findShard(course, *in.ShardID)
	if !ok {
		return refuse(codeNotFound, "Requested resource not found: Shard does not exist")
	}
	it := iterator{stream: st.ID(), shard: sh.From, next: sh.From + 1, made: c.now}
	numbered := strings.HasSuffix(*in.ShardIteratorType, "SEQUENCE_NUMBER")
	switch {
	case numbered && in.SequenceNumber == nil:
		return invalid("SequenceNumber must be specified when ShardIteratorType is %s", *in.ShardIteratorType)
	case !numbered && in.SequenceNumber != nil:
		return invalid("SequenceNumber must not be specified when ShardIteratorType is %s", *in.ShardIteratorType)
	case numbered:
		it.next, ok = parseSequenceNumber(*in.SequenceNumber)
		if !ok || it.next < sh.From || it.next >= end(course, sh) {
			return invalid("Invalid SequenceNumber: %s for shard: %s", *in.SequenceNumber, *in.ShardID)
		}
		if *in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" || it.next == sh.From {
			it.next++ // no record has the number that the shard begins with
		}
		if it.next < course.Trimmed {
			return errTrimmed
		}
	case *in.ShardIteratorType == "TRIM_HORIZON":
		it.horizon = true
	default:
		it.next = end(course, sh)
	}
	return c.encodeJSON(map[string]string{"ShardIterator": it.String()})
}

// end is the number behind a shard's last record so far.
func end(c store.Course, sh store.Shard) uint64 {
	if sh.Ended.IsZero() {
		return c.Next
	}
	return sh.To
}

var errTrimmed = refuse(codeTrimmed, "The operation attempted to read past the oldest stream record in a shard.")
