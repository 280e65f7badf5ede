package dynamodb

import "fmt"

// tableUpdate is the request of UpdateTable, as far as it is supported.
type tableUpdate struct {
	TableName                        *string
	AttributeDefinitions             []attributeDefinition
	BillingMode                      string
	ProvisionedThroughput            *throughput
	WarmThroughput                   *warmThroughput
	OnDemandThroughput               *onDemandLimit
	TableClass                       string
	DeletionProtectionEnabled        *bool
	GlobalSecondaryIndexUpdates      []indexUpdate
	StreamSpecification              *streamSpecification
	ReplicaUpdates, SSESpecification any
}

func (c *call) updateTable() error {
	var in tableUpdate
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := c.find(in.TableName)
	if err != nil {
		return err
	}
	if t.definition.status() != "ACTIVE" {
		return errBeingUpdated(t)
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
	now := s.redefined(t, d)
	if err := s.saveTable(now); err != nil {
		return err
	}
	if ended != nil {
		if err := s.store.CloseStream(c.now, ended); err != nil {
			return err
		}
	}
	now.meter.resize(c.now, d)
	s.wakeBuilds()
	return c.describeAs("TableDescription", now, "UPDATING")
}

// check checks what can be told without the table.
func (in *tableUpdate) check() error {
	if in.TableName == nil {
		return invalid("The parameter 'TableName' is required but was not present in the request")
	}
	if err := checkTableName(cutARN([]byte(*in.TableName))); err != nil {
		return err
	}
	var c constraints
	var d definition
	if in.BillingMode != "" {
		c.oneOf([]byte(in.BillingMode), "billingMode", billingProvisioned, billingOnDemand)
	}
	c.attributeDefinitions(in.AttributeDefinitions)
	d.checkThroughputForm(&c, in.ProvisionedThroughput, "provisionedThroughput")
	for i := range in.GlobalSecondaryIndexUpdates {
		in.GlobalSecondaryIndexUpdates[i].checkShape(&c, &d, fmt.Sprintf("globalSecondaryIndexUpdates.%d.member.", i+1))
	}
	if err := c.err(); err != nil {
		return err
	}
	if in.empty() {
		return invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if in.BillingMode == billingProvisioned && in.ProvisionedThroughput == nil {
		return invalid(wrong + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	if err := in.ProvisionedThroughput.checkBounds(""); err != nil {
		return err
	}
	return checkIndexUpdates(in.GlobalSecondaryIndexUpdates)
}

// empty says whether nothing is to be updated.
func (in *tableUpdate) empty() bool {
	return in.BillingMode == "" && in.ProvisionedThroughput == nil && in.WarmThroughput == nil && in.OnDemandThroughput == nil &&
		in.TableClass == "" && in.DeletionProtectionEnabled == nil && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		in.StreamSpecification == nil && in.ReplicaUpdates == nil && in.SSESpecification == nil
}

// apply is a copy of a definition with the changes in it.
func (in *tableUpdate) apply(old *definition) (*definition, error) {
	if in.ReplicaUpdates != nil || in.SSESpecification != nil {
		return nil, invalid("UpdateTable changes neither replicas nor encryption here")
	}
	d := old.clone()
	if in.BillingMode != "" {
		d.BillingMode = in.BillingMode
	}
	if p, was := in.ProvisionedThroughput, old.ProvisionedThroughput; p != nil {
		if was != nil && *p == *was && len(in.GlobalSecondaryIndexUpdates) == 0 {
			return nil, unchanged("the table", was, p)
		}
		d.ProvisionedThroughput = p
	}
	if d.onDemand() && !old.onDemand() && in.ProvisionedThroughput == nil {
		d.ProvisionedThroughput = nil
		for i := range d.GlobalSecondaryIndexes {
			d.GlobalSecondaryIndexes[i].ProvisionedThroughput = nil
		}
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
	for i := range in.GlobalSecondaryIndexUpdates {
		if err := in.GlobalSecondaryIndexUpdates[i].apply(d, in.AttributeDefinitions); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// unchanged refuses throughput that is what it was.
func unchanged(what string, was, p *throughput) error {
	return invalid("The provisioned throughput for %s will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
		what, was.ReadCapacityUnits, p.ReadCapacityUnits, was.WriteCapacityUnits, p.WriteCapacityUnits)
}
