package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// md5Hex is the MD5 that SQS reports of a body, which clients check.
func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// attribute is a message attribute.
type attribute struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"`
}

// attributes are a message's attributes by name.
type attributes map[string]attribute

// decodeAttributes reads attributes from JSON; nil is no attributes.
func decodeAttributes(b []byte) (attributes, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var a attributes
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("decode message attributes: %w", err)
	}
	return a, nil
}

// md5Hex is the MD5 of attributes: for each name in order the name, the data
// type, the transport type (1 string, 2 binary) and the value, each text behind
// its length as four bytes.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func (a attributes) md5Hex() string {
	if len(a) == 0 {
		return ""
	}
	var b []byte
	put := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		v := a[name]
		put(name)
		put(v.DataType)
		if v.StringValue != nil {
			b = append(b, 1)
			put(*v.StringValue)
		} else {
			b = append(b, 2)
			put(string(v.BinaryValue))
		}
	}
	return md5Hex(string(b))
}

// size is what the attributes add to a message's size, in bytes.
func (a attributes) size() (n int) {
	for name, v := range a {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// maxAttributes is how many attributes a message may carry.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxAttributes = 10

// validate says what is wrong with the attributes, "" if nothing.
func (a attributes) validate() string {
	if len(a) > maxAttributes {
		return fmt.Sprintf("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(a), maxAttributes)
	}
	for name, v := range a {
		kind, _, _ := strings.Cut(v.DataType, ".")
		switch {
		case name == "" || len(name) > 256:
			return "Message attribute names must have 1 to 256 characters."
		case kind != "String" && kind != "Number" && kind != "Binary":
			return fmt.Sprintf("The type of message attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
		case kind == "Binary" && len(v.BinaryValue) == 0, kind != "Binary" && (v.StringValue == nil || *v.StringValue == ""):
			return fmt.Sprintf("The message attribute '%s' must contain a non-empty message attribute value.", name)
		}
	}
	return ""
}

// pick returns the attributes that the patterns of a receive ask for: a name,
// "All", ".*", or a prefix followed by ".*".
func (a attributes) pick(patterns []string) attributes {
	if len(a) == 0 || len(patterns) == 0 {
		return nil
	}
	picked := make(attributes)
	for name, v := range a {
		if slices.ContainsFunc(patterns, func(p string) bool {
			prefix, wild := strings.CutSuffix(p, ".*")
			return p == "All" || p == name || (wild && strings.HasPrefix(name, prefix))
		}) {
			picked[name] = v
		}
	}
	return picked
}
