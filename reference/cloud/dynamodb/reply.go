package dynamodb

import (
	"errors"
	"hash/crc32"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// serverHeader is what AWS calls itself.
var serverHeader = []string{"Server"}

// contentType is the request's kind of JSON.
func (c *call) contentType() string {
	if c.r.HTTP == nil || jsonForm(c.r.HTTP) == jsonAWS {
		return jsonAWS
	}
	return jsonPlain
}

// checksum is what X-Amz-Crc32 says of a body.
func checksum(body []byte) string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
}

// reply sends what the call has put together, or the fault of err.
func (c *call) reply(w http.ResponseWriter, err error) {
	status := http.StatusOK
	if err != nil {
		f := asFault(err)
		if f.status >= http.StatusInternalServerError && !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, errBody) { // which the disk has logged, once, or is the caller's
			c.s.log.Error("dynamodb_failed", "action", c.r.Action, "request_id", c.r.RequestID, "error", err)
		}
		status = f.status
		c.out = append(c.out[:0], `{"__type":"`...)
		c.out = append(c.out, f.namespace()...)
		c.out = append(c.out, f.code...)
		c.out = append(c.out, '"')
		if f.message != "" {
			c.out = append(c.out, f.messageMember()...)
			c.out = item.AppendJSONString(c.out, f.message)
		}
		c.out = append(c.out, f.members...)
		c.out = append(c.out, '}')
	}
	h, body := w.Header(), c.out
	if len(body) >= compressFrom {
		if encoding := acceptedEncoding(c.r.HTTP); encoding != "" {
			if short, err := compressed(body, encoding); err == nil {
				h["Content-Encoding"], body = []string{encoding}, short
			}
		}
	}
	h["Content-Type"] = []string{c.contentType()}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"] = []string{c.r.RequestID}
	h["Server"] = serverHeader
	// The checksum is of the bytes as they are sent, compressed or not:
	// https://github.com/smithy-lang/smithy-rs/issues/129
	h["X-Amz-Crc32"] = []string{checksum(body)}
	allowOrigin(h, c.r.HTTP)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		// The caller is gone; what it asked for has happened all the same.
		c.s.log.Debug("dynamodb_answer_not_sent", slog.String("request_id", c.r.RequestID), slog.Any("error", err))
	}
}

// consumedCapacity appends a table's consumed capacity as an object.
func (c *call) consumedCapacity(t *table, cost *cost, indexes bool, transaction string) {
	c.member("")
	c.out = append(c.out, '{')
	c.member("TableName")
	c.out = item.AppendJSONString(c.out, t.definition.TableName)
	c.units(cost.total(), transaction)
	if indexes {
		c.out = append(c.out, `,"Table":{`...)
		c.units(c.spaceUnits(cost, 0), transaction)
		c.out = append(c.out, '}')
		for _, local := range []bool{false, true} {
			name, open := "GlobalSecondaryIndexes", false
			if local {
				name = "LocalSecondaryIndexes"
			}
			for i := range t.schema.Indexes {
				x := &t.schema.Indexes[i]
				u := c.spaceUnits(cost, x.ID)
				if x.Local != local || u == 0 {
					continue
				}
				if !open {
					c.member(name)
					c.out = append(c.out, '{')
					open = true
				}
				c.member(x.Name)
				c.out = append(c.out, '{')
				c.units(u, transaction)
				c.out = append(c.out, '}')
			}
			if open {
				c.out = append(c.out, '}')
			}
		}
	}
	c.out = append(c.out, '}')
}

func (c *call) spaceUnits(cost *cost, space uint8) (units float64) {
	for i := range cost.n {
		if ch := cost.at(i); ch.space == space && ch.local == 0 || ch.local == space && space != 0 {
			units += ch.units
		}
	}
	return units
}

// units appends capacity units; in a transaction also under the name of their kind.
func (c *call) units(u float64, transaction string) {
	c.member("CapacityUnits")
	c.out = appendUnits(c.out, u)
	if transaction != "" {
		c.member(transaction)
		c.out = appendUnits(c.out, u)
	}
}

func appendUnits(dst []byte, u float64) []byte {
	return strconv.AppendFloat(dst, u, 'f', 1, 64)
}

// wantsConsumed says whether an answer shows consumed capacity, and that of indexes.
func wantsConsumed(mode []byte) (total, indexes bool) {
	indexes = string(mode) == "INDEXES"
	return indexes || string(mode) == "TOTAL", indexes
}
