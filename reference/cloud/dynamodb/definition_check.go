package dynamodb

import (
	"fmt"
	"slices"
	"strings"
)

// check refuses a definition that is not one, in DynamoDB's words.
func (d *definition) check() error {
	var c constraints
	c.name([]byte(d.TableName), "tableName", true)
	c.notNull(d.AttributeDefinitions == nil, "attributeDefinitions")
	c.notNull(d.KeySchema == nil, "keySchema")
	if d.KeySchema != nil && len(d.KeySchema) == 0 {
		c.add("[]", "keySchema", "Member must have length greater than or equal to 1")
	}
	if len(d.KeySchema) > 2 {
		var shown []string
		for _, k := range d.KeySchema {
			shown = append(shown, fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", k.AttributeName, k.KeyType))
		}
		c.add("["+strings.Join(shown, ", ")+"]", "keySchema", "Member must have length less than or equal to 2")
	}
	for i, a := range d.AttributeDefinitions {
		c.oneOf([]byte(a.AttributeType), fmt.Sprintf("attributeDefinitions.%d.member.attributeType", i+1), "B", "N", "S")
	}
	for i, k := range d.KeySchema {
		c.oneOf([]byte(k.KeyType), fmt.Sprintf("keySchema.%d.member.keyType", i+1), "HASH", "RANGE")
	}
	if d.BillingMode != "" {
		c.oneOf([]byte(d.BillingMode), "billingMode", billingProvisioned, billingOnDemand)
	}
	d.checkThroughputForm(&c, d.ProvisionedThroughput, "provisionedThroughput")
	for i, x := range slices.Concat(d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes) {
		at := fmt.Sprintf("globalSecondaryIndexes.%d.member.", i+1)
		if i >= len(d.GlobalSecondaryIndexes) {
			at = fmt.Sprintf("localSecondaryIndexes.%d.member.", i+1-len(d.GlobalSecondaryIndexes))
		}
		d.checkIndexShape(&c, &x, at)
	}
	if err := c.err(); err != nil {
		return err
	}
	if err := d.checkBilling(); err != nil {
		return err
	}
	return d.checkKeys()
}

func (d *definition) checkIndexShape(c *constraints, x *indexDefinition, at string) {
	c.name([]byte(x.IndexName), at+"indexName", true)
	c.notNull(x.Projection == nil, at+"projection")
	c.notNull(x.KeySchema == nil, at+"keySchema")
	if x.Projection != nil && x.Projection.ProjectionType != "" {
		c.oneOf([]byte(x.Projection.ProjectionType), at+"projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY")
	}
	d.checkThroughputForm(c, x.ProvisionedThroughput, at+"provisionedThroughput")
}

func (d *definition) checkThroughputForm(c *constraints, t *throughput, member string) {
	if t != nil {
		c.atLeast(true, t.ReadCapacityUnits, 1, member+".readCapacityUnits")
		c.atLeast(true, t.WriteCapacityUnits, 1, member+".writeCapacityUnits")
	}
}

const wrong = "One or more parameter values were invalid: "

func (d *definition) checkBilling() error {
	if d.onDemand() {
		if d.ProvisionedThroughput != nil {
			return invalid(wrong + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		for _, x := range d.GlobalSecondaryIndexes {
			if x.ProvisionedThroughput != nil {
				return invalid(wrong+"ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.IndexName)
			}
		}
		return nil
	}
	if d.ProvisionedThroughput == nil {
		return invalid(wrong + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	for _, x := range d.GlobalSecondaryIndexes {
		if x.ProvisionedThroughput == nil {
			return invalid(wrong+"ProvisionedThroughput must be specified for index: %s", x.IndexName)
		}
	}
	return nil
}

func (d *definition) checkKeys() error {
	if len(d.KeySchema) > len(d.AttributeDefinitions) {
		return invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	if err := checkSchema(d.KeySchema); err != nil {
		return err
	}
	types := map[string]bool{}
	for _, a := range d.AttributeDefinitions {
		if types[a.AttributeName] {
			return invalid(wrong+"Cannot have two attributes with the same name. AttributeName: %s", a.AttributeName)
		}
		types[a.AttributeName] = true
	}
	used := map[string]bool{}
	for _, k := range d.KeySchema {
		if !types[k.AttributeName] {
			return d.undefinedKey(k.AttributeName)
		}
		used[k.AttributeName] = true
	}
	names := map[string]bool{}
	for i, x := range slices.Concat(d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes) {
		local := i >= len(d.GlobalSecondaryIndexes)
		if names[x.IndexName] {
			return invalid(wrong+"Duplicate index name: %s", x.IndexName)
		}
		names[x.IndexName] = true
		if err := d.checkIndex(&x, local, types); err != nil {
			return err
		}
		for _, k := range x.KeySchema {
			used[k.AttributeName] = true
		}
	}
	switch {
	case len(d.GlobalSecondaryIndexes) > maxGlobalIndexes:
		return refuse(codeLimit, "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	case len(d.LocalSecondaryIndexes) > maxLocalIndexes:
		return invalid(wrong+"Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case len(used) != len(types):
		return invalid(wrong + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

// undefinedKey is the fault of a key attribute that is not defined.
func (d *definition) undefinedKey(name string) error {
	return invalid(wrong+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", name, d.attributeNames())
}

// maxProvisioned is the largest throughput that can be asked for at all.
const maxProvisioned = 1_000_000_000_000

// checkBounds refuses throughput that nothing has; of is " for index NAME" or empty.
func (t *throughput) checkBounds(of string) error {
	switch {
	case t == nil:
	case t.ReadCapacityUnits > maxProvisioned:
		return invalid("Given value %d for ReadCapacityUnits is out of bounds%s", t.ReadCapacityUnits, of)
	case t.WriteCapacityUnits > maxProvisioned:
		return invalid("Given value %d for WriteCapacityUnits is out of bounds%s", t.WriteCapacityUnits, of)
	}
	return nil
}

func (d *definition) attributeNames() string {
	var names []string
	for _, a := range d.AttributeDefinitions {
		names = append(names, a.AttributeName)
	}
	return strings.Join(names, ", ")
}

func (d *definition) checkIndex(x *indexDefinition, local bool, types map[string]bool) error {
	if err := checkSchema(x.KeySchema); err != nil {
		return err
	}
	for _, k := range x.KeySchema {
		if !types[k.AttributeName] {
			return d.undefinedKey(k.AttributeName)
		}
	}
	if local {
		switch {
		case len(d.KeySchema) < 2:
			return invalid(wrong + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		case len(x.KeySchema) < 2:
			return invalid(wrong+"Index KeySchema does not have a range key for index: %s", x.IndexName)
		case x.KeySchema[0].AttributeName != d.KeySchema[0].AttributeName:
			return invalid(wrong+"Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", x.IndexName, x.KeySchema[0].AttributeName, d.KeySchema[0].AttributeName)
		}
	}
	p := x.Projection
	switch {
	case p.ProjectionType == "":
		return invalid(wrong + "Unknown ProjectionType: null")
	case p.ProjectionType == "INCLUDE" && p.NonKeyAttributes == nil:
		return invalid(wrong+"ProjectionType is %s, but NonKeyAttributes is not specified", p.ProjectionType)
	case p.ProjectionType != "INCLUDE" && p.NonKeyAttributes != nil:
		return invalid(wrong+"ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	return nil
}

func checkSchema(k []keyElement) error {
	switch {
	case len(k) == 0:
		return invalid(wrong + "No Hash Key specified in schema.  All Dynamo DB tables must have exactly one hash key")
	case k[0].KeyType != "HASH":
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(k) == 2 && k[1].KeyType != "RANGE":
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case len(k) == 2 && k[0].AttributeName == k[1].AttributeName:
		return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return nil
}
