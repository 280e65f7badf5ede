package dynamodb

import (
	"encoding/json"
	"math"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// definition is all that is kept of a table besides its items. Members that are AWS's have
// AWS's names.
type definition struct {
	ID       uint32
	UUID     string
	Created  time.Time
	IndexIDs map[string]uint8
	// of global indexes on their way in or out; others are in use
	IndexStates map[string]indexState `json:",omitempty"`

	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    []indexDefinition            `json:",omitempty"`
	LocalSecondaryIndexes     []indexDefinition            `json:",omitempty"`
	BillingMode               string                       `json:",omitempty"`
	ProvisionedThroughput     *throughput                  `json:",omitempty"`
	WarmThroughput            *warmThroughput              `json:",omitempty"`
	OnDemandThroughput        *onDemandLimit               `json:",omitempty"`
	TableClass                string                       `json:",omitempty"`
	DeletionProtectionEnabled bool                         `json:",omitempty"`
	Throughputs               map[string]throughputHistory `json:",omitempty"` // by index, "" is the table itself
	Topologies                map[spaceID]quota.Topology   `json:",omitempty"` // of what is metered
	settings
}

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

// absentUnits stands for units that a request does not give.
const absentUnits = math.MinInt64

// UnmarshalJSON tells units that are absent from others.
func (t *throughput) UnmarshalJSON(text []byte) error {
	var in struct{ ReadCapacityUnits, WriteCapacityUnits *int64 }
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*t = throughput{absentUnits, absentUnits}
	if in.ReadCapacityUnits != nil {
		t.ReadCapacityUnits = *in.ReadCapacityUnits
	}
	if in.WriteCapacityUnits != nil {
		t.WriteCapacityUnits = *in.WriteCapacityUnits
	}
	return nil
}

type warmThroughput struct{ ReadUnitsPerSecond, WriteUnitsPerSecond int64 }

type onDemandLimit struct{ MaxReadRequestUnits, MaxWriteRequestUnits int64 }

type projection struct {
	ProjectionType   string   `json:",omitempty"`
	NonKeyAttributes []string `json:",omitempty"`
}

type indexDefinition struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            *projection
	ProvisionedThroughput *throughput     `json:",omitempty"`
	WarmThroughput        *warmThroughput `json:",omitempty"`
	OnDemandThroughput    *onDemandLimit  `json:",omitempty"`
}

// Billing modes.
const (
	billingOnDemand    = "PAY_PER_REQUEST"
	billingProvisioned = "PROVISIONED"
)

func (d *definition) onDemand() bool { return d.BillingMode == billingOnDemand }

// schema is what the store works with.
func (d *definition) schema() *store.Table {
	types := map[string]item.Type{}
	for _, a := range d.AttributeDefinitions {
		types[a.AttributeName] = item.ParseType(a.AttributeType)
	}
	key := func(elements []keyElement) store.Key {
		var k store.Key
		for _, e := range elements {
			a := store.KeyAttribute{Name: e.AttributeName, Type: types[e.AttributeName]}
			switch {
			case e.KeyType == "HASH" && k.Hash.Name == "":
				k.Hash = a
			case e.KeyType == "HASH":
				k.MoreHash = append(k.MoreHash, a)
			case k.Range.Name == "":
				k.Range = a
			default:
				k.MoreRange = append(k.MoreRange, a)
			}
		}
		return k
	}
	t := &store.Table{ID: d.ID, Key: key(d.KeySchema)}
	add := func(list []indexDefinition, local bool) {
		for _, x := range list {
			state := d.IndexStates[x.IndexName]
			if state == indexDeleting {
				continue
			}
			t.Indexes = append(t.Indexes, store.Index{
				ID: d.IndexIDs[x.IndexName], Name: x.IndexName, Key: key(x.KeySchema), Local: local, Building: state != "",
				All: x.Projection.ProjectionType == "ALL", Include: x.Projection.NonKeyAttributes,
			})
		}
	}
	add(d.GlobalSecondaryIndexes, false)
	add(d.LocalSecondaryIndexes, true)
	return t
}
