package dynamodb

import (
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
	NextID   uint8 // of the next index
	IndexIDs map[string]uint8

	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    []indexDefinition `json:",omitempty"`
	LocalSecondaryIndexes     []indexDefinition `json:",omitempty"`
	BillingMode               string            `json:",omitempty"`
	ProvisionedThroughput     *throughput       `json:",omitempty"`
	WarmThroughput            *warmThroughput   `json:",omitempty"`
	OnDemandThroughput        *onDemandLimit    `json:",omitempty"`
	TableClass                string            `json:",omitempty"`
	DeletionProtectionEnabled bool              `json:",omitempty"`
	settings
}

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

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
			if e.KeyType == "HASH" {
				k.Hash = a
			} else {
				k.Range = a
			}
		}
		return k
	}
	t := &store.Table{ID: d.ID, Key: key(d.KeySchema)}
	add := func(list []indexDefinition, local bool) {
		for _, x := range list {
			t.Indexes = append(t.Indexes, store.Index{
				ID: d.IndexIDs[x.IndexName], Name: x.IndexName, Key: key(x.KeySchema), Local: local,
				All: x.Projection.ProjectionType == "ALL", Include: x.Projection.NonKeyAttributes,
			})
		}
	}
	add(d.GlobalSecondaryIndexes, false)
	add(d.LocalSecondaryIndexes, true)
	return t
}

// capacity sizes the partitions of the table, or of one of its global indexes if x is not nil.
func (d *definition) capacity(l Limits, x *indexDefinition) quota.Throughput {
	provisioned, warm, most := d.ProvisionedThroughput, d.WarmThroughput, d.OnDemandThroughput
	if x != nil {
		provisioned, warm, most = x.ProvisionedThroughput, x.WarmThroughput, x.OnDemandThroughput
	}
	t := quota.Throughput{Partition: [2]float64{l.PartitionReadUnits, l.PartitionWriteUnits}}
	read, write := l.OnDemandReadUnits, l.OnDemandWriteUnits
	if d.onDemand() {
		t.Table = [2]float64{l.TableReadUnits, l.TableWriteUnits}
		if most != nil {
			t.Table = [2]float64{lesser(t.Table[0], most.MaxReadRequestUnits), lesser(t.Table[1], most.MaxWriteRequestUnits)}
		}
	} else if provisioned != nil {
		read, write = float64(provisioned.ReadCapacityUnits), float64(provisioned.WriteCapacityUnits)
		if l.PartitionReadUnits > 0 {
			t.Table, t.Burst = [2]float64{read, write}, l.Burst
		}
	}
	if warm != nil {
		read, write = max(read, float64(warm.ReadUnitsPerSecond)), max(write, float64(warm.WriteUnitsPerSecond))
	}
	t.Partitions = max(partitionsFor(read, l.PartitionReadUnits), partitionsFor(write, l.PartitionWriteUnits))
	return t
}

// lesser is the smaller of a quota and a table's own maximum, where they are set.
func lesser(quota float64, most int64) float64 {
	switch {
	case most <= 0:
		return quota
	case quota <= 0:
		return float64(most)
	}
	return min(quota, float64(most))
}

func partitionsFor(units, each float64) int {
	if each <= 0 {
		return 1
	}
	return max(1, int(math.Ceil(units/each)))
}

// warm is the warm throughput to describe: what was asked for, at least what the table starts
// with.
func (d *definition) warm(l Limits, x *indexDefinition) (w warmThroughput) {
	provisioned, asked := d.ProvisionedThroughput, d.WarmThroughput
	if x != nil {
		provisioned, asked = x.ProvisionedThroughput, x.WarmThroughput
	}
	start := AWSLimits()
	if !l.off() {
		start = l
	}
	w = warmThroughput{int64(start.OnDemandReadUnits), int64(start.OnDemandWriteUnits)}
	if !d.onDemand() && provisioned != nil {
		w = warmThroughput{provisioned.ReadCapacityUnits, provisioned.WriteCapacityUnits}
	}
	if asked != nil {
		w.ReadUnitsPerSecond = max(w.ReadUnitsPerSecond, asked.ReadUnitsPerSecond)
		w.WriteUnitsPerSecond = max(w.WriteUnitsPerSecond, asked.WriteUnitsPerSecond)
	}
	return w
}
