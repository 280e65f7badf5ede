package dynamodb

import "fmt"

// timeToLiveSpecification is how a caller names an attribute that holds when items expire.
type timeToLiveSpecification struct {
	AttributeName *string
	Enabled       *bool
}

func (t *timeToLiveSpecification) check() error {
	var bad constraints
	bad.notNull(t == nil, "timeToLiveSpecification")
	if t != nil {
		bad.notNull(t.AttributeName == nil, "timeToLiveSpecification.attributeName")
		bad.notNull(t.Enabled == nil, "timeToLiveSpecification.enabled")
	}
	if t != nil && t.AttributeName != nil {
		switch n := len(*t.AttributeName); {
		case n < 1:
			bad.add("", "timeToLiveSpecification.attributeName", "Member must have length greater than or equal to 1")
		case n > maxTimeToLiveName:
			bad.add(*t.AttributeName, "timeToLiveSpecification.attributeName", fmt.Sprintf("Member must have length less than or equal to %d", maxTimeToLiveName))
		}
	}
	return bad.err()
}

// maxTimeToLiveName is the longest name of the attribute, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TimeToLiveSpecification.html
const maxTimeToLiveName = 255

// follows says whether the wish can be granted to a table with the attribute in use.
func (t *timeToLiveSpecification) follows(attribute string) error {
	switch {
	case attribute == "" && !*t.Enabled:
		return invalid("TimeToLive is already disabled")
	case attribute != "" && attribute != *t.AttributeName:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", attribute)
	case attribute != "" && *t.Enabled:
		return invalid("TimeToLive is already enabled")
	}
	return nil
}

// updateTimeToLive takes effect at once, and then not again for the interval of the limits.
func (c *call) updateTimeToLive() error {
	var in struct {
		TableName               *string
		TimeToLiveSpecification *timeToLiveSpecification
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	if err := in.TimeToLiveSpecification.check(); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t, err := c.find(in.TableName)
	if err != nil {
		return err
	}
	if err := in.TimeToLiveSpecification.follows(t.definition.expiry()); err != nil {
		return err
	}
	if was := t.definition.TimeToLive; was != nil && c.now.Before(was.Changed.Add(c.s.limits.TimeToLiveChange)) {
		return invalid("Time to live has been modified multiple times within a fixed interval")
	}
	now := &timeToLive{Changed: c.now}
	if *in.TimeToLiveSpecification.Enabled {
		now.Attribute = *in.TimeToLiveSpecification.AttributeName
	}
	if err := c.change(t, func(d *definition) { d.TimeToLive = now }); err != nil {
		return err
	}
	return c.encodeJSON(map[string]any{"TimeToLiveSpecification": in.TimeToLiveSpecification})
}

func (c *call) describeTimeToLive() error {
	t, err := c.named()
	if err != nil {
		return err
	}
	out := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if attribute := t.definition.expiry(); attribute != "" {
		out["TimeToLiveStatus"], out["AttributeName"] = "ENABLED", attribute
	}
	return c.encodeJSON(map[string]any{"TimeToLiveDescription": out})
}
