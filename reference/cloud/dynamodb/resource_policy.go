package dynamodb

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"
)

// resourcePolicy is a policy document as its owner attached it. It is kept and given back, not
// evaluated: whoever holds a key of the embedded account may do everything.
type resourcePolicy struct{ Policy, RevisionID string }

// maxPolicy is the largest policy document in bytes, white space included.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
const maxPolicy = 20480

// noPolicy is the revision to expect where there must be no policy yet.
const noPolicy = "NO_POLICY"

func newPolicy(text string, now time.Time) resourcePolicy {
	return resourcePolicy{Policy: text, RevisionID: strconv.FormatInt(now.UnixNano(), 10)}
}

func (p *resourcePolicy) check() error {
	if len(p.Policy) > maxPolicy {
		return invalid(wrong+"Maximum policy size of %d bytes exceeded", maxPolicy)
	}
	var form struct{ Statement json.RawMessage }
	switch {
	case json.Unmarshal([]byte(p.Policy), &form) != nil:
		return invalid(wrong + "Invalid policy document: This policy contains invalid Json")
	case len(form.Statement) == 0 || string(form.Statement) == "[]":
		return invalid(wrong + "Invalid policy document: Could not parse the policy: Statement is empty!")
	}
	return nil
}

// policyRequest is what the three operations ask.
type policyRequest struct {
	ResourceArn        *string
	Policy             *string
	ExpectedRevisionID *string `json:"ExpectedRevisionId"`
}

// policy finds the resource of a request and the policy it has. The caller holds s.mu unless it
// only reads.
func (c *call) policy(in *policyRequest, writes bool) (t *table, rest string, p resourcePolicy, err error) {
	if err := c.decodeJSON(in); err != nil {
		return nil, "", p, err
	}
	var bad constraints
	bad.notNull(in.ResourceArn == nil, "resourceArn")
	bad.notNull(writes && in.Policy == nil, "policy")
	if err := bad.err(); err != nil {
		return nil, "", p, err
	}
	t, rest, err = c.resource(*in.ResourceArn, func() error { return tableNotFound(cutARN([]byte(*in.ResourceArn))) })
	if err != nil {
		return nil, "", p, err
	}
	return t, rest, t.definition.ResourcePolicies[rest], nil
}

// expected wants the policy to be the one the caller has seen.
func (in *policyRequest) expected(t *table, is resourcePolicy) error {
	const text = "Resource-based policy not found for the provided ResourceArn: "
	switch {
	case in.ExpectedRevisionID == nil || *in.ExpectedRevisionID == is.RevisionID:
		return nil
	case *in.ExpectedRevisionID == noPolicy && is.RevisionID == "":
		return nil
	case *in.ExpectedRevisionID == noPolicy:
		return refuse(codeNoPolicy, text+"Requested policy update expecting none to be present for table %s, but a policy exists with revision id %s.", t.definition.TableName, is.RevisionID)
	case is.RevisionID == "":
		return refuse(codeNoPolicy, text+"Requested update for policy with revision id %s, but no policy is associated to target table %s.", *in.ExpectedRevisionID, t.definition.TableName)
	}
	return refuse(codeNoPolicy, text+"Requested update for policy with revision id %s, but the policy associated to target table %s has revision id %s.", *in.ExpectedRevisionID, t.definition.TableName, is.RevisionID)
}

func (c *call) putResourcePolicy() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var in policyRequest
	t, rest, old, err := c.policy(&in, true)
	if err != nil {
		return err
	}
	now := newPolicy(*in.Policy, c.now)
	if err := now.check(); err != nil {
		return err
	}
	if err := in.expected(t, old); err != nil {
		return err
	}
	if now.Policy == old.Policy {
		now = old
	} else if err := c.change(t, func(d *definition) {
		if d.ResourcePolicies = maps.Clone(d.ResourcePolicies); d.ResourcePolicies == nil {
			d.ResourcePolicies = map[string]resourcePolicy{}
		}
		d.ResourcePolicies[rest] = now
	}); err != nil {
		return err
	}
	return c.encodeJSON(map[string]string{"RevisionId": now.RevisionID})
}

func (c *call) getResourcePolicy() error {
	var in policyRequest
	_, _, p, err := c.policy(&in, false)
	if err != nil {
		return err
	}
	if p.RevisionID == "" {
		return refuse(codeNoPolicy, "Resource-based policy not found for the provided ResourceArn: %s", *in.ResourceArn)
	}
	return c.encodeJSON(map[string]string{"Policy": p.Policy, "RevisionId": p.RevisionID})
}

func (c *call) deleteResourcePolicy() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var in policyRequest
	t, rest, old, err := c.policy(&in, false)
	if err != nil {
		return err
	}
	if err := in.expected(t, old); err != nil {
		return err
	}
	if old.RevisionID == "" {
		return c.encodeJSON(struct{}{})
	}
	if err := c.change(t, func(d *definition) {
		d.ResourcePolicies = maps.Clone(d.ResourcePolicies)
		delete(d.ResourcePolicies, rest)
	}); err != nil {
		return err
	}
	return c.encodeJSON(map[string]string{"RevisionId": old.RevisionID})
}
