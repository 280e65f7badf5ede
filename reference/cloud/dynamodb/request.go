package dynamodb

import (
	"bytes"
	"slices"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// request holds the parameters of the operations on items. Absent ones are nil, zero or not in
// present. Strings alias the request's body, documents its arena.
type request struct {
	table, index                                            []byte
	item, key, startKey, values                             item.Doc
	names                                                   []expr.Name
	condition, update, filter, keyCondition, projection     []byte
	returnValues, consumed, metrics, onFailure, selectWhich []byte
	consistent, backward                                    bool
	limit, segment, segments                                int64
	present                                                 given
	legacy                                                  *legacy // nil without older parameters
	valueFault                                              error   // of item, key or start key
	valuesFault                                             error   // of values
	valuesFaultKey                                          string  // and where
}

// given marks parameters whose zero value means something.
type given uint8

const (
	givenLimit given = 1 << iota
	givenSegment
	givenSegments
	givenNames
)

func (r *request) has(g given) bool { return r.present&g != 0 }

// decoder parses requests into an arena, so that a request's documents share one buffer.
type decoder struct {
	item.Decoder
	arena []byte
}

func newDecoder(body, arena []byte) decoder {
	return decoder{Decoder: item.NewDecoder(body), arena: slices.Grow(arena[:0], len(body))}
}

// doc reads a document and the first fault of its values.
func (d *decoder) doc(fault *error) item.Doc {
	d.Invalid = nil
	start := len(d.arena)
	d.arena = d.Doc(d.arena)
	if *fault == nil {
		*fault = d.Invalid
	}
	return item.Doc(d.arena[start:len(d.arena):len(d.arena)])
}

// request reads an object of parameters.
func (d *decoder) request(r *request) {
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return
		}
		if d.Null() {
			continue
		}
		d.parameter(r, key)
	}
}

func (d *decoder) parameter(r *request, key []byte) {
	switch string(key) {
	case "TableName":
		r.table = d.tableName()
	case "IndexName":
		r.index = d.String()
	case "Item":
		r.item = d.doc(&r.valueFault)
	case "Key":
		r.key = d.doc(&r.valueFault)
	case "ExclusiveStartKey":
		r.startKey = d.doc(&r.valueFault)
	case "ExpressionAttributeValues":
		r.values = d.doc(&r.valuesFault)
		r.valuesFaultKey = d.InvalidKey
	case "ExpressionAttributeNames":
		r.present |= givenNames
		d.names(r)
	case "ConditionExpression":
		r.condition = d.String()
	case "UpdateExpression":
		r.update = d.String()
	case "FilterExpression":
		r.filter = d.String()
	case "KeyConditionExpression":
		r.keyCondition = d.String()
	case "ProjectionExpression":
		r.projection = d.String()
	case "ReturnValues":
		r.returnValues = d.String()
	case "ReturnConsumedCapacity":
		r.consumed = d.String()
	case "ReturnItemCollectionMetrics":
		r.metrics = d.String()
	case "ReturnValuesOnConditionCheckFailure":
		r.onFailure = d.String()
	case "Select":
		r.selectWhich = d.String()
	case "ConsistentRead":
		r.consistent = d.Bool()
	case "ScanIndexForward":
		r.backward = !d.Bool()
	case "Limit":
		r.limit = d.Int()
		r.present |= givenLimit
	case "Segment":
		r.segment = d.Int()
		r.present |= givenSegment
	case "TotalSegments":
		r.segments = d.Int()
		r.present |= givenSegments
	default:
		if !d.legacyParameter(r, string(key)) {
			d.Skip()
		}
	}
}

// arnTable is what stands before a table's name in its ARN.
const arnTable = ":table/"

// tableName reads a table's name or ARN.
func (d *decoder) tableName() []byte { return cutARN(d.String()) }

// cutARN is the name in a table's ARN, or the name itself.
func cutARN(name []byte) []byte {
	if len(name) > 4 && string(name[:4]) == "arn:" {
		if _, table, ok := bytes.Cut(name, []byte(arnTable)); ok {
			return table
		}
	}
	return name
}

func (d *decoder) names(r *request) {
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return
		}
		r.names = append(r.names, expr.Name{Placeholder: string(key), Name: string(d.String())})
	}
}
