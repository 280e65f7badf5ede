package dynamodb

// Quotas of an account and of a table in one Region, in units a second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	accountUnits = 80_000
	tableUnits   = 40_000
)

// describeLimits tells AWS's default quotas; those of an account are not imposed here.
func (c *call) describeLimits() error {
	if err := c.decodeJSON(&struct{}{}); err != nil {
		return err
	}
	return c.encodeJSON(map[string]int64{
		"AccountMaxReadCapacityUnits": accountUnits, "AccountMaxWriteCapacityUnits": accountUnits,
		"TableMaxReadCapacityUnits": tableUnits, "TableMaxWriteCapacityUnits": tableUnits,
	})
}

// endpointMinutes is how long a client may keep an endpoint.
const endpointMinutes = 1440

// describeEndpoints names the address that the caller has reached already.
func (c *call) describeEndpoints() error {
	if err := c.decodeJSON(&struct{}{}); err != nil {
		return err
	}
	address := "dynamodb." + c.s.region + ".amazonaws.com"
	if c.r.HTTP != nil && c.r.HTTP.Host != "" {
		address = c.r.HTTP.Host
	}
	type endpoint struct {
		Address              string
		CachePeriodInMinutes int64
	}
	return c.encodeJSON(map[string]any{"Endpoints": []endpoint{{address, endpointMinutes}}})
}

// describeContinuousBackups says that there is no recovery to a point in time.
func (c *call) describeContinuousBackups() error {
	var in struct{ TableName *string }
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	if _, err := c.find(in.TableName); err != nil {
		if f := asFault(err); f.code == codeNotFound {
			return refuse(codeNoBackups, "Table not found: %s", cutARN([]byte(*in.TableName)))
		}
		return err
	}
	return c.encodeJSON(map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": map[string]string{"PointInTimeRecoveryStatus": "DISABLED"},
	}})
}
