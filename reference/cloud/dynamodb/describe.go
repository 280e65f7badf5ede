package dynamodb

import "time"

// tableDescription is a table as DescribeTable shows it.
type tableDescription struct {
	TableName                 string
	TableID                   string `json:"TableId"`
	TableArn                  string
	TableStatus               string
	CreationDateTime          float64               `json:",omitzero"`
	AttributeDefinitions      []attributeDefinition `json:",omitempty"`
	KeySchema                 []keyElement          `json:",omitempty"`
	ItemCount                 int64
	TableSizeBytes            int64
	ProvisionedThroughput     throughputDescription
	BillingModeSummary        *billingSummary    `json:",omitempty"`
	TableClassSummary         *classSummary      `json:",omitempty"`
	OnDemandThroughput        *onDemandLimit     `json:",omitempty"`
	WarmThroughput            *warmDescription   `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription `json:",omitempty"`
	LocalSecondaryIndexes     []indexDescription `json:",omitempty"`
	DeletionProtectionEnabled bool
	latestStream
}

type throughputDescription struct {
	LastDecreaseDateTime   float64 `json:",omitzero"`
	LastIncreaseDateTime   float64 `json:",omitzero"`
	NumberOfDecreasesToday int64
	ReadCapacityUnits      int64
	WriteCapacityUnits     int64
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64
}

type classSummary struct{ TableClass string }

type warmDescription struct {
	warmThroughput
	Status string
}

type indexDescription struct {
	IndexName             string
	IndexArn              string
	IndexStatus           string `json:",omitempty"`
	Backfilling           *bool  `json:",omitempty"`
	KeySchema             []keyElement
	Projection            *projection
	ItemCount             int64
	IndexSizeBytes        int64
	ProvisionedThroughput *throughputDescription `json:",omitempty"`
	WarmThroughput        *warmDescription       `json:",omitempty"`
	OnDemandThroughput    *onDemandLimit         `json:",omitempty"`
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// describe shows a table in a status, with what it held when it was last counted.
func (s *Service) describe(t *table, status string) *tableDescription {
	d := t.definition
	counted := s.censuses.of(s.now(), t).spaces
	out := &tableDescription{
		TableName: d.TableName, TableID: d.UUID, TableArn: s.arn(d.TableName), TableStatus: status,
		CreationDateTime: seconds(d.Created), AttributeDefinitions: d.AttributeDefinitions, KeySchema: d.KeySchema,
		ItemCount: counted[0].items, TableSizeBytes: counted[0].bytes, OnDemandThroughput: d.OnDemandThroughput, DeletionProtectionEnabled: d.DeletionProtectionEnabled,
		WarmThroughput: &warmDescription{s.warm(t, nil), "ACTIVE"}, latestStream: s.describeLatestStream(t),
	}
	if d.ProvisionedThroughput != nil {
		out.ProvisionedThroughput = s.describeThroughput(d, "", d.ProvisionedThroughput)
	}
	if d.onDemand() {
		out.BillingModeSummary = &billingSummary{billingOnDemand, seconds(d.Created)}
	}
	if d.TableClass != "" {
		out.TableClassSummary = &classSummary{d.TableClass}
	}
	for i := range d.GlobalSecondaryIndexes {
		x := s.describeIndex(d, &d.GlobalSecondaryIndexes[i], counted)
		x.IndexStatus, x.Backfilling = d.indexStatus(x.IndexName, status)
		x.ProvisionedThroughput = &throughputDescription{}
		if p := d.GlobalSecondaryIndexes[i].ProvisionedThroughput; p != nil {
			described := s.describeThroughput(d, x.IndexName, p)
			x.ProvisionedThroughput = &described
		}
		x.WarmThroughput = &warmDescription{s.warm(t, &d.GlobalSecondaryIndexes[i]), "ACTIVE"}
		x.OnDemandThroughput = d.GlobalSecondaryIndexes[i].OnDemandThroughput
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, x)
	}
	for i := range d.LocalSecondaryIndexes {
		out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, s.describeIndex(d, &d.LocalSecondaryIndexes[i], counted))
	}
	return out
}

func (s *Service) describeThroughput(d *definition, index string, p *throughput) throughputDescription {
	h := d.Throughputs[index]
	out := throughputDescription{NumberOfDecreasesToday: int64(h.Decreases.On(s.now())), ReadCapacityUnits: p.ReadCapacityUnits, WriteCapacityUnits: p.WriteCapacityUnits}
	if !h.Decreases.Last.IsZero() {
		out.LastDecreaseDateTime = seconds(h.Decreases.Last)
	}
	if !h.Increased.IsZero() {
		out.LastIncreaseDateTime = seconds(h.Increased)
	}
	return out
}

// indexStatus is a global index's in a table whose status is shown. Only one that is added to
// its table is or is not back-filling.
func (d *definition) indexStatus(name, table string) (status string, backfilling *bool) {
	filling := d.IndexStates[name] == indexBackfilling
	switch {
	case d.IndexStates[name] == indexDeleting:
		return "DELETING", nil
	case d.IndexStates[name] != "":
		return "CREATING", &filling
	case table == "UPDATING":
		return "ACTIVE", nil
	}
	return table, nil
}

func (s *Service) describeIndex(d *definition, x *indexDefinition, counted map[uint8]holding) indexDescription {
	held := counted[d.IndexIDs[x.IndexName]]
	return indexDescription{
		ItemCount: held.items, IndexSizeBytes: held.bytes,
		IndexName: x.IndexName, IndexArn: s.arn(d.TableName) + "/index/" + x.IndexName,
		KeySchema: x.KeySchema, Projection: x.Projection,
	}
}
