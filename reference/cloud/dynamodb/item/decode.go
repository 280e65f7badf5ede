package item

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/jsonread"
)

// MaxDepth is how deep lists and maps of an item may nest.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-attributes
const MaxDepth = 32

// hardDepth is where decoding stops at all.
const hardDepth = 128

// Decoder parses attribute values out of a request. Two kinds of errors are kept apart, as
// DynamoDB does: text that has not the form of the wire sticks in the cursor's Err; a value
// that has the form but is not allowed, such as an empty set, is noted in Invalid and reading
// goes on, because DynamoDB reports other faults of the request first.
type Decoder struct {
	jsonread.Cursor
	Invalid    error  // the first value that is not allowed, worded as DynamoDB does
	InvalidKey string // the top-level name it was under
	name       []byte // the top-level name being read
	blob       []byte // scratch for base64
}

// NewDecoder reads data, which must stay unchanged as long as names and scalars are in use.
func NewDecoder(data []byte) Decoder { return Decoder{Cursor: jsonread.New(data)} }

func (d *Decoder) refuse(err error) {
	if d.Invalid == nil {
		d.Invalid, d.InvalidKey = err, string(d.name)
	}
}

// Errors of attribute values, worded as DynamoDB words them.
var (
	errNoType    = errors.New("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	errManyTypes = errors.New("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	errNullFalse = errors.New("One or more parameter values were invalid: Null attribute value types must have the value of true")
	errEmptySS   = errors.New("One or more parameter values were invalid: An string set  may not be empty")
	errEmptyNS   = errors.New("One or more parameter values were invalid: An number set  may not be empty")
	errEmptyBS   = errors.New("One or more parameter values were invalid: Binary sets should not be empty")
	errDepth     = errors.New("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
)

// Doc appends the object of attributes that comes next as a document: an item, a key, or
// expression attribute values.
func (d *Decoder) Doc(dst []byte) []byte { return d.fields(dst, 0) }

// Value appends the attribute value that comes next.
func (d *Decoder) Value(dst []byte) []byte { return d.value(dst, 1) }

func (d *Decoder) fields(dst []byte, depth int) []byte {
	if !d.BeginObject() {
		return dst
	}
	var stack [24]attributeAt
	spans, start := stack[:0], len(dst)
	for {
		name, ok := d.NextKey()
		if !ok {
			break
		}
		if depth == 0 {
			if d.name = name; len(name) == 0 || len(name) > MaxName {
				d.refuse(CheckName(string(name)))
			}
		}
		from := len(dst)
		dst = binary.AppendUvarint(dst, uint64(len(name)))
		dst = append(dst, name...)
		dst = d.value(dst, depth+1)
		spans = append(spans, attributeAt{name, from, len(dst)})
	}
	return sortDoc(dst, start, spans)
}

func (d *Decoder) value(dst []byte, depth int) []byte {
	if depth > MaxDepth+1 {
		d.refuse(errDepth)
		if depth > hardDepth {
			d.Fail("attribute nested deeper than %d", hardDepth)
			return dst
		}
	}
	if !d.BeginObject() {
		return append(dst, byte(Null))
	}
	types, start := 0, len(dst)
	for {
		key, ok := d.NextKey()
		if !ok {
			break
		}
		t := ParseType(string(key))
		if t == NoType {
			d.Skip()
			continue
		}
		if d.Null() {
			continue
		}
		types++
		dst = d.typed(dst[:start], t, depth)
	}
	if d.Err() != nil {
		return append(dst[:start], byte(Null))
	}
	switch {
	case types == 0:
		d.refuse(errNoType)
		dst = append(dst[:start], byte(Null))
	case types > 1:
		d.refuse(errManyTypes)
	}
	return dst
}

func (d *Decoder) typed(dst []byte, t Type, depth int) []byte {
	switch t {
	case String:
		return AppendScalar(dst, String, d.String())
	case Number:
		return d.number(dst)
	case Binary:
		return AppendScalar(dst, Binary, d.base64())
	case Bool:
		return AppendBool(dst, d.Bool())
	case Null:
		if !d.Bool() {
			d.refuse(errNullFalse)
		}
		return append(dst, byte(Null))
	case List:
		dst, start := open(dst, List)
		d.BeginArray()
		for d.NextElement() {
			dst = d.value(dst, depth+1)
		}
		return closeContainer(dst, start)
	case Map:
		dst, start := open(dst, Map)
		dst = d.fields(dst, depth)
		return closeContainer(dst, start)
	}
	return d.set(dst, t)
}

func (d *Decoder) number(dst []byte) []byte {
	text := d.String()
	if d.Err() != nil {
		return append(dst, byte(Null))
	}
	dst = append(dst, byte(Number), 0)
	start := len(dst)
	dst, err := AppendNumber(dst, text)
	if err != nil {
		d.refuse(err)
		dst = append(dst[:start], signZero)
	}
	dst[start-1] = byte(len(dst) - start)
	return dst
}

// base64 reads a blob. The result is good until the next one.
func (d *Decoder) base64() []byte {
	text := d.String()
	d.blob = slices.Grow(d.blob[:0], base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(d.blob[:cap(d.blob)], text)
	if err != nil || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		d.Fail("blob is not base64")
		return nil
	}
	return d.blob[:n]
}

func (d *Decoder) set(dst []byte, t Type) []byte {
	var stack [16][]byte
	elements := stack[:0]
	var given []string // in the order given, for a message
	d.BeginArray()
	for d.NextElement() {
		switch t {
		case StringSet:
			elements = append(elements, d.String())
		case NumberSet:
			text := d.String()
			if d.Err() != nil {
				break
			}
			n, err := AppendNumber(nil, text)
			if err != nil {
				d.refuse(err)
				continue
			}
			elements = append(elements, n)
		default:
			elements = append(elements, bytes.Clone(d.base64()))
		}
	}
	if d.Err() != nil {
		return append(dst, byte(Null))
	}
	if len(elements) == 0 {
		d.refuse(map[Type]error{StringSet: errEmptySS, NumberSet: errEmptyNS, BinarySet: errEmptyBS}[t])
	}
	if !slices.IsSortedFunc(elements, bytes.Compare) {
		if t != NumberSet {
			for _, e := range elements {
				given = append(given, string(e))
			}
		}
		slices.SortFunc(elements, bytes.Compare)
	}
	for i := 1; i < len(elements); i++ {
		if bytes.Equal(elements[i-1], elements[i]) {
			if given == nil {
				for _, e := range elements {
					given = append(given, string(e))
				}
			}
			d.refuse(duplicates(t, given))
			elements = slices.CompactFunc(elements, bytes.Equal)
			break
		}
	}
	return AppendSet(dst, t, elements)
}

func duplicates(t Type, given []string) error {
	switch t {
	case NumberSet:
		return errors.New("Input collection contains duplicates")
	case BinarySet:
		for i := range given {
			given[i] = base64.StdEncoding.EncodeToString([]byte(given[i]))
		}
		return fmt.Errorf("One or more parameter values were invalid: Input collection [%s]of type BS contains duplicates.", strings.Join(given, ", "))
	}
	return fmt.Errorf("One or more parameter values were invalid: Input collection [%s] contains duplicates.", strings.Join(given, ", "))
}

// AppendSet appends a set of the type from the payloads of its elements, sorted and distinct.
func AppendSet(dst []byte, t Type, elements [][]byte) []byte {
	dst, start := open(dst, t)
	for _, e := range elements {
		dst = binary.AppendUvarint(dst, uint64(len(e)))
		dst = append(dst, e...)
	}
	return closeContainer(dst, start)
}
