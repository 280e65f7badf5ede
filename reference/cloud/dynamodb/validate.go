package dynamodb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// constraints gathers what is wrong with the shape of a request, as AWS reports it: together.
type constraints struct{ found []string }

// maxConstraints is how many faults one answer names.
const maxConstraints = 10

func (c *constraints) add(value any, member, constraint string) {
	if len(c.found) >= maxConstraints {
		return
	}
	v := "null"
	if value != nil {
		v = fmt.Sprintf("'%s'", value)
	}
	c.found = append(c.found, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", v, member, constraint))
}

// member is add for the members whose value AWS does not show.
func (c *constraints) member(member, constraint string) {
	if len(c.found) < maxConstraints {
		c.found = append(c.found, fmt.Sprintf("Value at '%s' failed to satisfy constraint: %s", member, constraint))
	}
}

func (c *constraints) err() error {
	switch len(c.found) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.found[0])
	}
	return invalid("%d validation errors detected: %s", len(c.found), strings.Join(c.found, "; "))
}

const namePattern = "[a-zA-Z0-9_.-]+"

func validName(name []byte) bool {
	for _, c := range name {
		if c != '_' && c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(name) > 0
}

// name checks the form of a table's or an index's name.
func (c *constraints) name(name []byte, member string, required bool) {
	if name == nil {
		if required {
			c.add(nil, member, "Member must not be null")
		}
		return
	}
	c.nameForm(name, member, 3)
}

func (c *constraints) nameForm(name []byte, member string, shortest int) {
	if (len(name) > 0 || shortest == 3) && !validName(name) { // the names of tables that items are in have no pattern that needs a letter
		c.add(name, member, "Member must satisfy regular expression pattern: "+namePattern)
	}
	switch {
	case len(name) < shortest:
		c.add(name, member, fmt.Sprintf("Member must have length greater than or equal to %d", shortest))
	case len(name) > 255:
		c.add(name, member, "Member must have length less than or equal to 255")
	}
}

// table checks the form of a table's name in an operation on items, where it may be short.
func (c *constraints) table(name []byte, member string) {
	if name == nil {
		c.add(nil, member, "Member must not be null")
		return
	}
	c.nameForm(name, member, 1)
}

// oneOf checks an enumeration's value.
func (c *constraints) oneOf(value []byte, member string, set ...string) {
	if value != nil && !slices.Contains(set, string(value)) {
		c.add(value, member, "Member must satisfy enum value set: ["+strings.Join(set, ", ")+"]")
	}
}

func (c *constraints) notNull(missing bool, member string) {
	if missing {
		c.add(nil, member, "Member must not be null")
	}
}

func (c *constraints) atLeast(given bool, value, least int64, member string) {
	if given && value < least {
		c.add(fmt.Sprint(value), member, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
}

// returns checks the parameters about what an answer holds.
func (c *constraints) returns(r *request) {
	c.oneOf(r.consumed, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	c.oneOf(r.metrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	c.oneOf(r.returnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	c.oneOf(r.onFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// checkItemKey wants an item to hold the table's key, well formed.
func checkItemKey(t *table, d item.Doc) error {
	for _, k := range []store.KeyAttribute{t.schema.Key.Hash, t.schema.Key.Range} {
		if k.Name == "" {
			continue
		}
		v := d.Get(k.Name)
		if v == nil {
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", k.Name)
		}
		if v.Type() != k.Type {
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, v.Type())
		}
	}
	if err := checkKeySizes(&t.schema.Key, d); err != nil {
		return err
	}
	return checkIndexKeys(t, d)
}

var errKeySchema = invalid("The provided key element does not match the schema")

// checkKeyPaths refuses paths into the attributes that are keys.
func checkKeyPaths(t *table, lists ...[]item.Path) error {
	for _, paths := range lists {
		for _, path := range paths {
			if len(path) < 2 {
				continue
			}
			const fault = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s"
			name := []byte(path[0].Name)
			if t.schema.Key.Has(name) {
				return invalid(fault, "Key", name)
			}
			if slices.ContainsFunc(t.schema.Indexes, func(x store.Index) bool { return x.Key.Has(name) }) {
				return invalid(fault, "IndexKey", name)
			}
		}
	}
	return nil
}

// checkKey wants a document to be exactly a key of the table.
func checkKey(t *table, d item.Doc) error {
	k := &t.schema.Key
	want := 1
	if k.Range.Name != "" {
		want = 2
	}
	if d.Len() != want || d.Get(k.Hash.Name).Type() != k.Hash.Type || want == 2 && d.Get(k.Range.Name).Type() != k.Range.Type {
		return errKeySchema
	}
	return checkKeySizes(k, d)
}

func checkKeySizes(k *store.Key, d item.Doc) error {
	for i, a := range []store.KeyAttribute{k.Hash, k.Range} {
		if a.Name == "" || a.Type == item.Number {
			continue
		}
		n := len(d.Get(a.Name).Payload())
		switch {
		case n == 0:
			what := "string"
			if a.Type == item.Binary {
				what = "binary"
			}
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", what, a.Name)
		case i == 0 && n > maxHashKey:
			return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes", maxHashKey)
		case i == 1 && n > maxRangeKey:
			return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeKey)
		}
	}
	return nil
}

// errIndexType is what faults of an index key's type are told by.
var errIndexType = errors.New("type of an index key")

func indexTypeFault(x *store.Index, k *store.KeyAttribute, v item.Value) error {
	f := invalid(wrong+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.Name, k.Type, v.Type(), x.Name)
	f.kind = errIndexType
	return f
}

// checkIndexType wants a value to have the type that indexes give its attribute.
func checkIndexType(t *table, name string, v item.Value) error {
	for i := range t.schema.Indexes {
		x := &t.schema.Indexes[i]
		for k := range x.Key.Attributes {
			if k.Name == name && v.Type() != k.Type {
				return indexTypeFault(x, &k, v)
			}
		}
	}
	return nil
}

// checkIndexKeys wants the attributes that are keys of indexes to have the right type where
// they are.
func checkIndexKeys(t *table, d item.Doc) error {
	for i := range t.schema.Indexes {
		x := &t.schema.Indexes[i]
		for k, sort := range x.Key.Attributes {
			v := d.Get(k.Name)
			what, most := "hashkey", maxHashKey
			if sort {
				what, most = "rangekey", maxRangeKey
			}
			switch {
			case v == nil:
				continue
			case v.Type() != k.Type:
				return indexTypeFault(x, &k, v)
			case k.Type != item.Number && len(v.Payload()) == 0:
				what = "string"
				if k.Type == item.Binary {
					what = "binary"
				}
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", what, x.Name, k.Name)
			case k.Type != item.Number && len(v.Payload()) > most:
				return invalid("One or more parameter values were invalid: Size of %s of index %s has exceeded the maximum size limit of %d bytes", what, x.Name, most)
			}
		}
	}
	return nil
}
