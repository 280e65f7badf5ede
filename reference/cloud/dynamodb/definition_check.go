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
	c.shortKey(d.KeySchema, "keySchema")
	c.attributeDefinitions(d.AttributeDefinitions)
	c.keySchema(d.KeySchema, "keySchema")
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
		if i >= len(d.GlobalSecondaryIndexes) {
			c.shortKey(x.KeySchema, at+"keySchema")
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	if err := d.checkBilling(); err != nil {
		return err
	}
	if err := d.ProvisionedThroughput.checkBounds(""); err != nil {
		return err
	}
	for _, x := range d.GlobalSecondaryIndexes {
		if err := x.ProvisionedThroughput.checkBounds(" for index " + x.IndexName); err != nil {
			return err
		}
	}
	return d.checkKeys()
}

// maxKeyName is the length in bytes of the longest name that a key may have, and an attribute
// that an index projects by its name.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-attributes
const maxKeyName = 255

// attributeName checks the name of an attribute in a definition.
func (c *constraints) attributeName(name, member string) {
	switch {
	case name == "":
		c.notNull(true, member)
	case len(name) > maxKeyName:
		c.add(name, member, fmt.Sprintf("Member must have length less than or equal to %d", maxKeyName))
	}
}

// choice is oneOf for a member that must be there.
func (c *constraints) choice(value, member string, set ...string) {
	if value == "" {
		c.notNull(true, member)
		return
	}
	c.oneOf([]byte(value), member, set...)
}

func (c *constraints) attributeDefinitions(list []attributeDefinition) {
	for i, a := range list {
		at := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		c.attributeName(a.AttributeName, at+"attributeName")
		c.choice(a.AttributeType, at+"attributeType", "B", "N", "S")
	}
}

func (c *constraints) keySchema(k []keyElement, member string) {
	for i, e := range k {
		at := fmt.Sprintf("%s.%d.member.", member, i+1)
		c.attributeName(e.AttributeName, at+"attributeName")
		c.choice(e.KeyType, at+"keyType", "HASH", "RANGE")
	}
}

func (c *constraints) projection(p *projection, at string) {
	if p.ProjectionType != "" {
		c.oneOf([]byte(p.ProjectionType), at+"projectionType", "ALL", "INCLUDE", "KEYS_ONLY")
	}
	if p.NonKeyAttributes != nil && len(p.NonKeyAttributes) == 0 {
		c.add("[]", at+"nonKeyAttributes", "Member must have length greater than or equal to 1")
	}
	for i, name := range p.NonKeyAttributes {
		c.attributeName(name, fmt.Sprintf("%snonKeyAttributes.%d.member", at, i+1))
	}
}

func (d *definition) checkIndexShape(c *constraints, x *indexDefinition, at string) {
	if x.IndexName == "" {
		c.notNull(true, at+"indexName")
	} else {
		c.name([]byte(x.IndexName), at+"indexName", true)
	}
	c.notNull(x.KeySchema == nil, at+"keySchema")
	if x.KeySchema != nil && len(x.KeySchema) == 0 {
		c.add("[]", at+"keySchema", "Member must have length greater than or equal to 1")
	}
	c.keySchema(x.KeySchema, at+"keySchema")
	c.notNull(x.Projection == nil, at+"projection")
	if x.Projection != nil {
		c.projection(x.Projection, at+"projection.")
	}
	d.checkThroughputForm(c, x.ProvisionedThroughput, at+"provisionedThroughput")
}

func (d *definition) checkThroughputForm(c *constraints, t *throughput, member string) {
	if t == nil {
		return
	}
	c.units(t.ReadCapacityUnits, member+".readCapacityUnits")
	c.units(t.WriteCapacityUnits, member+".writeCapacityUnits")
}

// units checks the units of a throughput.
func (c *constraints) units(units int64, member string) {
	c.notNull(units == absentUnits, member)
	c.atLeast(units != absentUnits, units, 1, member)
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
	types := map[string]bool{}
	for _, a := range d.AttributeDefinitions {
		if types[a.AttributeName] {
			return invalid(wrong+"Duplicate AttributeName in AttributeDefinitions: %s", a.AttributeName)
		}
		types[a.AttributeName] = true
	}
	if err := d.checkSchema(d.KeySchema, types, false); err != nil {
		return err
	}
	used := map[string]bool{}
	for _, k := range d.KeySchema {
		used[k.AttributeName] = true
	}
	switch {
	case d.LocalSecondaryIndexes != nil && len(d.LocalSecondaryIndexes) == 0:
		return invalid(wrong + "List of LocalSecondaryIndexes is empty")
	case d.LocalSecondaryIndexes != nil && len(d.KeySchema) < 2:
		return invalid(wrong + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	case d.GlobalSecondaryIndexes != nil && len(d.GlobalSecondaryIndexes) == 0:
		return invalid(wrong + "List of GlobalSecondaryIndexes is empty")
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
		return invalid(wrong+"GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	case len(d.LocalSecondaryIndexes) > maxLocalIndexes:
		return invalid(wrong+"Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case len(used) != len(types):
		return invalid(wrong + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
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
	if err := d.checkSchema(x.KeySchema, types, !local); err != nil {
		return err
	}
	if local {
		switch {
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
	for i, name := range p.NonKeyAttributes {
		if slices.Contains(p.NonKeyAttributes[:i], name) {
			return invalid(wrong+"Duplicate NonKeyAttribute: %s", name)
		}
	}
	return nil
}
