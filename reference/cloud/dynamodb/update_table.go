package dynamodb

import "slices"

// tableUpdate is the request of UpdateTable, as far as it is supported.
type tableUpdate struct {
	TableName                   *string
	BillingMode                 string
	ProvisionedThroughput       *throughput
	WarmThroughput              *warmThroughput
	OnDemandThroughput          *onDemandLimit
	TableClass                  string
	DeletionProtectionEnabled   *bool
	GlobalSecondaryIndexUpdates []struct {
		Update *struct {
			IndexName             string
			ProvisionedThroughput *throughput
			WarmThroughput        *warmThroughput
			OnDemandThroughput    *onDemandLimit
		}
		Create, Delete any
	}
	StreamSpecification              *streamSpecification
	ReplicaUpdates, SSESpecification any
}

func (c *call) updateTable() error {
	var in tableUpdate
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := c.find(in.TableName)
	if err != nil {
		return err
	}
	d, err := in.apply(t.definition)
	if err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	if err := s.provision(c.now, t.definition, d); err != nil {
		return err
	}
	ended, err := s.switchStream(c.now, d, in.StreamSpecification)
	if err != nil {
		return err
	}
	now := &table{definition: d, schema: s.schema(d), meter: t.meter}
	if err := s.saveTable(now); err != nil {
		return err
	}
	if ended != nil {
		if err := s.store.CloseStream(c.now, ended); err != nil {
			return err
		}
	}
	now.meter.resize(c.now, d)
	return c.describeAs("TableDescription", now, "UPDATING")
}

// apply is a copy of a definition with the changes in it.
func (in *tableUpdate) apply(old *definition) (*definition, error) {
	if in.ReplicaUpdates != nil || in.SSESpecification != nil {
		return nil, invalid("UpdateTable changes neither replicas nor encryption here")
	}
	d := *old
	d.GlobalSecondaryIndexes = slices.Clone(old.GlobalSecondaryIndexes)
	if in.BillingMode != "" {
		d.BillingMode = in.BillingMode
	}
	if d.onDemand() {
		d.ProvisionedThroughput = nil
		for i := range d.GlobalSecondaryIndexes {
			d.GlobalSecondaryIndexes[i].ProvisionedThroughput = nil
		}
	}
	if p, was := in.ProvisionedThroughput, old.ProvisionedThroughput; p != nil {
		if was != nil && *p == *was && len(in.GlobalSecondaryIndexUpdates) == 0 {
			return nil, invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.", was.ReadCapacityUnits, p.ReadCapacityUnits, was.WriteCapacityUnits, p.WriteCapacityUnits)
		}
		d.ProvisionedThroughput = in.ProvisionedThroughput
	}
	if in.WarmThroughput != nil {
		d.WarmThroughput = in.WarmThroughput
	}
	if in.OnDemandThroughput != nil {
		d.OnDemandThroughput = in.OnDemandThroughput
	}
	if in.TableClass != "" {
		d.TableClass = in.TableClass
	}
	if in.DeletionProtectionEnabled != nil {
		d.DeletionProtectionEnabled = *in.DeletionProtectionEnabled
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Update == nil {
			return nil, invalid("UpdateTable cannot create or delete indexes; create the table with them")
		}
		i := slices.IndexFunc(d.GlobalSecondaryIndexes, func(x indexDefinition) bool { return x.IndexName == u.Update.IndexName })
		if i < 0 {
			return nil, refuse(codeNotFound, "Requested resource not found")
		}
		x := &d.GlobalSecondaryIndexes[i]
		if u.Update.ProvisionedThroughput != nil {
			x.ProvisionedThroughput = u.Update.ProvisionedThroughput
		}
		if u.Update.WarmThroughput != nil {
			x.WarmThroughput = u.Update.WarmThroughput
		}
		if u.Update.OnDemandThroughput != nil {
			x.OnDemandThroughput = u.Update.OnDemandThroughput
		}
	}
	return &d, nil
}
