package dynamodb

import "time"

// settings are what a table keeps besides its shape, its indexes and its capacity. Like all of
// a definition they are never changed in place.
type settings struct {
	Tags []tag `json:",omitempty"`
	// ResourcePolicies are by the resource's part of the ARN behind the table's: "" is the
	// table itself.
	ResourcePolicies map[string]resourcePolicy `json:",omitempty"`
	// Insights are the states of contributor insights by index, "" is the table itself.
	Insights   map[string]insights `json:",omitempty"`
	TimeToLive *timeToLive         `json:",omitempty"`
	Stream     *tableStream        `json:",omitempty"`
}

// timeToLive says which attribute holds the second at which an item expires.
type timeToLive struct {
	Attribute string // "" is none
	Changed   time.Time
}

// expiry is the attribute that holds when an item expires, or "" if none does.
func (s *settings) expiry() string {
	if s.TimeToLive == nil {
		return ""
	}
	return s.TimeToLive.Attribute
}

// change makes another definition of a table durable, then visible. edit gets a shallow copy.
func (c *call) change(t *table, edit func(d *definition)) error {
	d := *t.definition
	edit(&d)
	return c.s.saveTable(&table{definition: &d, schema: t.schema, meter: t.meter})
}

// atCreation are the settings that a request to create a table brings.
func atCreation(tags []tagAsSent, policy *string, now time.Time) (s settings, err error) {
	if tags != nil {
		more, err := checkTags(tags)
		if err != nil {
			return s, err
		}
		if s.Tags, err = mergeTags(nil, more); err != nil {
			return s, err
		}
	}
	if policy != nil {
		p := newPolicy(*policy, now)
		if err := p.check(); err != nil {
			return s, err
		}
		s.ResourcePolicies = map[string]resourcePolicy{"": p}
	}
	return s, nil
}
