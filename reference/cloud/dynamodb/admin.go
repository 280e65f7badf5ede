package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// decodeJSON reads a request of the operations on tables, whose speed does not matter.
func (c *call) decodeJSON(into any) error {
	c.out = c.out[:0]
	err := json.Unmarshal(c.r.Body, into)
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(c.r.Body), []byte("null")) {
		err = errors.New("want an object")
	}
	if err != nil {
		return misread(c.r.Action, c.r.Body, err)
	}
	return nil
}

func (c *call) encodeJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	c.out = append(c.out, text...)
	return nil
}

// describeAs answers with a table's description under a name.
func (c *call) describeAs(name string, t *table, status string) error {
	return c.encodeJSON(map[string]any{name: c.s.describe(t, status)})
}

func (c *call) createTable() error {
	var in struct {
		TableName           *string
		Tags                []tagAsSent
		ResourcePolicy      *string
		StreamSpecification *streamSpecification
		definition
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	d := &in.definition
	if in.TableName == nil {
		return invalid("The parameter 'TableName' is required but was not present in the request")
	}
	d.TableName = *in.TableName
	if err := d.check(); err != nil {
		return err
	}
	if err := in.StreamSpecification.checkAtCreation(); err != nil {
		return err
	}
	var err error
	if d.settings, err = atCreation(in.Tags, in.ResourcePolicy, c.now); err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.tables.Load()
	if all[d.TableName] != nil {
		return refuse(codeInUse, "Table already exists: %s", d.TableName)
	}
	if len(all) >= maxTables {
		return refuse(codeLimit, "Subscriber limit exceeded: Number of tables exceeded the account limit of %d", maxTables)
	}
	id, err := s.store.NewTableID()
	if err != nil {
		return err
	}
	d.ID, d.UUID, d.Created = id, uuid.NewString(), c.now
	d.Throughputs, d.Topologies = nil, nil
	if err := s.provision(c.now, nil, d); err != nil {
		return err
	}
	d.IndexIDs, d.IndexStates = nil, nil
	for _, x := range slices.Concat(d.GlobalSecondaryIndexes, d.LocalSecondaryIndexes) {
		d.addIndexID(x.IndexName)
	}
	if err := s.streamAtCreation(c.now, d, in.StreamSpecification); err != nil {
		return err
	}
	t := s.newTable(d)
	if err := s.saveTable(t); err != nil {
		return err
	}
	return c.describeAs("TableDescription", t, "CREATING")
}

// named reads a request that names a table, and finds it.
func (c *call) named() (*table, error) {
	var in struct{ TableName *string }
	if err := c.decodeJSON(&in); err != nil {
		return nil, err
	}
	return c.find(in.TableName)
}

// find is the table of a name or an ARN.
func (c *call) find(name *string) (*table, error) {
	if name == nil {
		return nil, invalid("The parameter 'TableName' is required but was not present in the request")
	}
	plain := cutARN([]byte(*name))
	if err := checkTableName(plain); err != nil {
		return nil, err
	}
	t := (*c.s.tables.Load())[string(plain)]
	if t == nil {
		return nil, tableNotFound(plain)
	}
	return t, nil
}

// checkTableName checks the name of a table that is there, or should be.
func checkTableName(name []byte) error {
	if len(name) < 3 || len(name) > 255 {
		return invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	var bad constraints
	bad.name(name, "tableName", true)
	return bad.err()
}

func (c *call) describeTable() error {
	t, err := c.named()
	if err != nil {
		return err
	}
	return c.describeAs("Table", t, t.definition.status())
}

func (c *call) deleteTable() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t, err := c.named()
	if err != nil {
		return err
	}
	if t.definition.DeletionProtectionEnabled {
		return invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if len(t.definition.IndexStates) > 0 {
		return errBeingUpdated(t)
	}
	// AWS shows no more of what its keys and indexes were.
	shown := c.s.describe(t, "DELETING")
	shown.CreationDateTime, shown.AttributeDefinitions, shown.KeySchema = 0, nil, nil
	shown.GlobalSecondaryIndexes, shown.LocalSecondaryIndexes = nil, nil
	if err := c.encodeJSON(map[string]any{"TableDescription": shown}); err != nil {
		return err
	}
	if err := c.s.dropTable(t); err != nil || t.schema.Stream == nil {
		return err
	}
	return c.s.store.CloseStream(c.now, t.schema.Stream)
}

func (c *call) listTables() error {
	var in struct {
		ExclusiveStartTableName *string
		Limit                   *int64
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	limit, after := int64(100), ""
	if in.ExclusiveStartTableName != nil {
		after = *in.ExclusiveStartTableName
		bad.name([]byte(after), "exclusiveStartTableName", true)
	}
	if in.Limit != nil {
		bad.atLeast(true, *in.Limit, 1, "limit")
		if limit = *in.Limit; limit > 100 {
			bad.add(fmt.Sprint(limit), "limit", "Member must have value less than or equal to 100")
		}
	}
	if err := bad.err(); err != nil {
		return err
	}
	var out struct {
		LastEvaluatedTableName string `json:",omitempty"`
		TableNames             []string
	}
	out.TableNames = []string{}
	for _, name := range c.s.tableNames() {
		if name <= after {
			continue
		}
		if int64(len(out.TableNames)) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, name)
	}
	return c.encodeJSON(out)
}
