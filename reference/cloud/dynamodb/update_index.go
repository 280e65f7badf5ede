package dynamodb

import (
	"fmt"
	"slices"
)

// indexUpdate is one of UpdateTable's GlobalSecondaryIndexUpdates: one of its members is given.
type indexUpdate struct {
	Create *indexDefinition
	Update *struct {
		IndexName             string
		ProvisionedThroughput *throughput
		WarmThroughput        *warmThroughput
		OnDemandThroughput    *onDemandLimit
	}
	Delete *struct{ IndexName string }
}

// actions are the members that are given, by name.
func (u *indexUpdate) actions() (names []string, index string) {
	if u.Update != nil {
		names, index = append(names, "update"), u.Update.IndexName
	}
	if u.Create != nil {
		names, index = append(names, "create"), u.Create.IndexName
	}
	if u.Delete != nil {
		names, index = append(names, "delete"), u.Delete.IndexName
	}
	return names, index
}

// checkShape checks what can be told without the table.
func (u *indexUpdate) checkShape(c *constraints, d *definition, at string) {
	if x := u.Update; x != nil {
		c.name([]byte(x.IndexName), at+"update.indexName", true)
		d.checkThroughputForm(c, x.ProvisionedThroughput, at+"update.provisionedThroughput")
	}
	if u.Create != nil {
		d.checkIndexShape(c, u.Create, at+"create.")
	}
	if u.Delete != nil {
		c.name([]byte(u.Delete.IndexName), at+"delete.indexName", true)
	}
}

// checkIndexUpdates checks which updates come together.
func checkIndexUpdates(updates []indexUpdate) error {
	const one = "GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete"
	seen := map[string]bool{}
	changed := 0
	for i := range updates {
		actions, name := updates[i].actions()
		switch {
		case len(actions) == 0:
			return invalid(wrong + "One of " + one + " must not be null")
		case len(actions) > 1:
			return invalid(wrong + "Only one of " + one + " may be specified")
		case seen[name]:
			return invalid(wrong+"Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
		if updates[i].Update == nil {
			changed++
		}
	}
	if changed > 1 {
		return errOneIndexAtATime
	}
	return nil
}

var errOneIndexAtATime = refuse(codeLimit, "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")

// apply changes the indexes of a definition; attributes are those that the request defines.
func (u *indexUpdate) apply(d *definition, attributes []attributeDefinition) error {
	_, name := u.actions()
	i := slices.IndexFunc(d.GlobalSecondaryIndexes, func(x indexDefinition) bool { return x.IndexName == name })
	switch {
	case u.Create != nil:
		return d.createIndex(u.Create, attributes)
	case i < 0 && u.Update != nil && u.Update.ProvisionedThroughput.checkBounds("") != nil:
		return invalid("This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate")
	case i < 0:
		return refuse(codeNotFound, "Requested resource not found")
	case u.Delete != nil:
		// A back-fill may be given up; nothing else may be on its way.
		for other := range d.IndexStates {
			if other != name {
				return errOneIndexAtATime
			}
		}
		d.sendIndex(name, indexDeleting)
		return nil
	}
	x := &d.GlobalSecondaryIndexes[i]
	if p, was := u.Update.ProvisionedThroughput, x.ProvisionedThroughput; p != nil {
		if was != nil && *was == *p {
			return unchanged(fmt.Sprintf("index: %s", name), was, p)
		}
		x.ProvisionedThroughput = p
	}
	if u.Update.WarmThroughput != nil {
		x.WarmThroughput = u.Update.WarmThroughput
	}
	if u.Update.OnDemandThroughput != nil {
		x.OnDemandThroughput = u.Update.OnDemandThroughput
	}
	return nil
}

// createIndex adds an index. Its key attributes have to be defined by the request, even those
// that the table knows.
func (d *definition) createIndex(x *indexDefinition, attributes []attributeDefinition) error {
	same := func(o indexDefinition) bool { return o.IndexName == x.IndexName }
	switch {
	case slices.ContainsFunc(d.GlobalSecondaryIndexes, same) || slices.ContainsFunc(d.LocalSecondaryIndexes, same):
		return invalid("Attempting to create an index which already exists")
	case len(d.IndexStates) > 0:
		return errOneIndexAtATime
	case len(d.GlobalSecondaryIndexes) >= maxGlobalIndexes:
		return refuse(codeLimit, wrong+"GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	}
	given := definition{AttributeDefinitions: attributes}
	types := map[string]bool{}
	for _, a := range attributes {
		types[a.AttributeName] = true
	}
	if err := given.checkSchema(x.KeySchema, types, true); err != nil {
		return err
	}
	for _, k := range x.KeySchema {
		i := slices.IndexFunc(attributes, func(a attributeDefinition) bool { return a.AttributeName == k.AttributeName })
		known := slices.IndexFunc(d.AttributeDefinitions, func(a attributeDefinition) bool { return a.AttributeName == k.AttributeName })
		if known < 0 {
			d.AttributeDefinitions = append(d.AttributeDefinitions, attributes[i])
			continue
		}
		if was, now := d.AttributeDefinitions[known].AttributeType, attributes[i].AttributeType; was != now {
			const schema = "Schema:[SchemaElement: key{%s:%s:%s}]"
			return invalid(wrong+"Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: "+schema+" New schema: "+schema,
				k.AttributeName, was, k.KeyType, k.AttributeName, now, k.KeyType)
		}
	}
	d.addIndex(*x)
	return nil
}
