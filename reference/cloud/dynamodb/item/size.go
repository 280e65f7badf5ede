package item

import (
	"errors"
	"fmt"
)

// MaxSize is the most an item may weigh, names and values together, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items
const MaxSize = 400 << 10

// MaxName is the length of the longest name of an attribute in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-attributes
const MaxName = 65535

var (
	errNoName   = errors.New("One or more parameter values were invalid: Empty attribute name")
	errLongName = fmt.Errorf("One or more parameter values were invalid: Attribute name is too large, must be less than %d bytes", MaxName+1)
)

// CheckName wants a name to be one that an attribute can have.
func CheckName(name string) error {
	switch {
	case name == "":
		return errNoName
	case len(name) > MaxName:
		return errLongName
	}
	return nil
}

// Size is the weight of an item in bytes as DynamoDB counts it for limits and capacity:
// names and values, numbers at about two digits a byte, three bytes for a list or map and one
// for each of its elements.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (d Doc) Size() int {
	n := 0
	for name, v := range d.All() {
		n += len(name) + v.Size()
	}
	return n
}

// Size is the weight of a value in bytes.
func (v Value) Size() int {
	switch v.Type() {
	case String, Binary:
		return len(v.Payload())
	case Number:
		return numberSize(v.Payload())
	case Bool, Null:
		return 1
	case StringSet, BinarySet:
		n := 0
		for m := range v.Members() {
			n += len(m)
		}
		return n
	case NumberSet:
		n := 0
		for m := range v.Members() {
			n += numberSize(m)
		}
		return n
	case List:
		n := 3
		for e := range v.Elements() {
			n += 1 + e.Size()
		}
		return n
	case Map:
		n := 3
		for name, e := range v.Doc().All() {
			n += 1 + len(name) + e.Size()
		}
		return n
	}
	return 0
}
