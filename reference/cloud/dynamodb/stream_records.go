package dynamodb

import (
	"fmt"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// getRecords answers with up to a thousand records or a megabyte of them, one at least.
func (c *call) getRecords() error {
	var in struct {
		ShardIterator *string
		Limit         *int64
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	bad.length(in.ShardIterator, "shardIterator", true, 1, maxShardIterator)
	limit := bad.upTo(in.Limit, maxRecords)
	if err := bad.err(); err != nil {
		return err
	}
	it, ok := parseIterator(*in.ShardIterator)
	if !ok {
		return invalid("Invalid ShardIterator")
	}
	if c.now.Sub(it.made) > iteratorLife {
		return refuse(codeExpired, "The provided iterator exceeds the maximum age allowed.")
	}
	st := c.s.store.Stream(it.stream)
	if st == nil {
		return refuse(codeNotFound, "Requested resource not found: Stream does not exist")
	}
	course := st.Course()
	sh, ok := shardAt(course, it.shard)
	switch {
	case !ok || it.next < course.Trimmed && !it.horizon:
		return errTrimmed
	case it.horizon:
		it.next = max(it.next, course.Trimmed)
	}
	d, err := describeStored(st)
	if err != nil {
		return err
	}
	if err := c.appendRecords(st, &it, sh, limit, d.View); err != nil {
		return err
	}
	// What this answer did not reach is asked for again; a shard that has ended has an end.
	if sh.Ended.IsZero() || it.next < sh.To {
		it.horizon, it.made = it.horizon && it.next <= course.Trimmed, c.now
		c.member("NextShardIterator")
		c.out = append(append(append(c.out, '"'), it.String()...), '"')
	}
	c.out = append(c.out, '}')
	return nil
}

// appendRecords begins the answer with records from the iterator's place on, and moves it behind
// them.
func (c *call) appendRecords(st *store.Stream, it *iterator, sh store.Shard, limit int, view string) error {
	c.out = append(c.out, `{"Records":[`...)
	n, size := 0, 0
	err := c.s.store.ReadStream(st, it.next, sh.To, func(r store.Record) bool {
		if n == limit || n > 0 && size+r.Size() > maxRecordsBytes {
			return false
		}
		n, size = n+1, size+r.Size()
		c.appendRecord(st.ID(), &r, view)
		it.next = r.Number + 1
		return true
	})
	c.out = append(c.out, ']')
	return err
}

// shardAt is the shard that begins at a number.
func shardAt(c store.Course, from uint64) (sh store.Shard, ok bool) {
	for _, sh := range c.Shards {
		if sh.From == from {
			return sh, true
		}
	}
	return sh, false
}

// eventNames are the wire's names of what happened.
var eventNames = map[store.Event]string{store.Inserted: "INSERT", store.Modified: "MODIFY", store.Removed: "REMOVE", store.Expired: "REMOVE"}

// byTimeToLive marks a record of an item that the service has removed itself.
const byTimeToLive = `,"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}`

func (c *call) appendRecord(stream uint32, r *store.Record, view string) {
	c.member("")
	c.out = append(c.out, `{"awsRegion":"`...)
	c.out = append(c.out, c.s.region...)
	c.out = append(c.out, `","eventID":"`...)
	id := xxh3.HashString128(fmt.Sprintf("%d/%d", stream, r.Number)).Bytes()
	c.out = fmt.Appendf(c.out, "%x", id)
	c.out = append(c.out, `","eventName":"`...)
	c.out = append(c.out, eventNames[r.Event]...)
	c.out = append(c.out, `","eventSource":"aws:dynamodb","eventVersion":"1.1"`...)
	if r.Event == store.Expired {
		c.out = append(c.out, byTimeToLive...)
	}
	c.out = append(c.out, `,"dynamodb":{"ApproximateCreationDateTime":`...)
	c.out = strconv.AppendInt(c.out, r.At.Unix(), 10)
	c.attributes("Keys", r.Key)
	for _, image := range []struct {
		name string
		doc  item.Doc
		has  bool
	}{{"NewImage", r.New, r.HasNew}, {"OldImage", r.Old, r.HasOld}} {
		if image.has {
			c.attributes(image.name, image.doc)
		}
	}
	c.out = append(c.out, `,"SequenceNumber":"`...)
	c.out = append(c.out, sequenceNumber(r.Number)...)
	c.out = append(c.out, `","SizeBytes":`...)
	c.out = strconv.AppendInt(c.out, int64(r.Size()), 10)
	c.out = append(c.out, `,"StreamViewType":"`...)
	c.out = append(c.out, view...)
	c.out = append(c.out, `"}}`...)
}
