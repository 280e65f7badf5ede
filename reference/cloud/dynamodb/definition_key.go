package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// shortKey wants a key schema to have two elements at most, as that of a table and of a local
// index has.
func (c *constraints) shortKey(k []keyElement, member string) {
	if len(k) <= 2 {
		return
	}
	var shown []string
	for _, e := range k {
		shown = append(shown, fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", e.AttributeName, e.KeyType))
	}
	c.add("["+strings.Join(shown, ", ")+"]", member, "Member must have length less than or equal to 2")
}

// maxKeyAttributes is how many attributes of a kind the key of a global index may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
const maxKeyAttributes = 4

// checkSchema wants a key whose attributes are defined, in AWS's order of its checks. Only a
// global index may have several of a kind.
func (d *definition) checkSchema(k []keyElement, types map[string]bool, global bool) error {
	undefined := func(e keyElement) bool { return !types[e.AttributeName] }
	switch {
	case len(k) == 0:
		return invalid(wrong + "No Hash Key specified in schema.  All Dynamo DB tables must have exactly one hash key")
	case slices.ContainsFunc(k, undefined):
		return d.undefinedKey(k)
	case len(k) == 2 && (!global || k[0].KeyType != k[1].KeyType) && k[0].AttributeName == k[1].AttributeName:
		return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case k[0].KeyType != "HASH":
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case global:
		return checkMultiKey(k)
	case len(k) == 2 && k[1].KeyType != "RANGE":
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	return nil
}

// checkMultiKey wants up to four attributes for the partition key, then up to four for the sort
// key, each once.
func checkMultiKey(k []keyElement) error {
	count := map[string]int{}
	for i, e := range k {
		count[e.KeyType]++
		if slices.ContainsFunc(k[:i], func(o keyElement) bool { return o.AttributeName == e.AttributeName }) {
			return invalid(wrong + "The KeySchema contains multiple key attributes with the same name")
		}
		if i > 0 && e.KeyType == "HASH" && k[i-1].KeyType == "RANGE" {
			return invalid(wrong + "All HASH key attributes must precede RANGE key attributes in the KeySchema")
		}
	}
	for _, kind := range []string{"HASH", "RANGE"} {
		if count[kind] > maxKeyAttributes {
			return invalid(wrong+"The KeySchema exceeds the maximum allowed number of %s key attributes", kind)
		}
	}
	return nil
}

// undefinedKey is the fault of a key of which an attribute is not defined.
func (d *definition) undefinedKey(k []keyElement) error {
	var names []string
	for _, e := range k {
		names = append(names, e.AttributeName)
	}
	return invalid(wrong+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", strings.Join(names, ", "), d.attributeNames())
}
