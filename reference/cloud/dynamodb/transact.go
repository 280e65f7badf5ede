package dynamodb

import (
	"errors"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// action is one element of a transaction.
type action struct {
	request
	change
	count     int    // operations the element has; one is right
	kind      string // Put, Update, Delete, ConditionCheck or Get
	statement []byte // of PartiQL, with its parameters, as the request has it
	spent     cost
}

// reason is why one action, or not this one, cancelled the transaction.
type reason struct {
	code, message string
	item          item.Doc
}

func (c *call) transactWriteItems() error {
	d := c.decoder()
	var r request
	var token []byte
	actions := d.transaction(&r, c.actions, &token)
	d.End()
	c.arena, c.actions = d.arena, actions
	if err := c.syntax(&d); err != nil {
		return err
	}
	if err := checkActions(&r, actions, token); err != nil {
		return err
	}
	size := 0
	for i := range actions {
		if err := c.prepareAction(&actions[i]); err != nil {
			return err
		}
		size += actions[i].given.Size()
	}
	if size > maxTransactBytes {
		return transactionTooLarge(size)
	}
	keys, err := prepareKeys(actions)
	if err != nil {
		return err
	}
	return c.transact(&r, actions, keys, token)
}

func sameItemTwice(actions []action) bool {
	seen := make(map[string]struct{}, len(actions))
	for i := range actions {
		k := string(actions[i].change.key)
		if _, ok := seen[k]; ok {
			return true
		}
		seen[k] = struct{}{}
	}
	return false
}

// content identifies what a transaction does, whatever the order of members on the wire.
func content(actions []action) [16]byte {
	h := xxh3.New()
	part := func(b []byte) {
		var n [4]byte
		n[0], n[1], n[2], n[3] = byte(len(b)), byte(len(b)>>8), byte(len(b)>>16), byte(len(b)>>24)
		_, _ = h.Write(n[:])
		_, _ = h.Write(b)
	}
	for i := range actions {
		a := &actions[i]
		part([]byte(a.kind))
		part(a.request.table)
		part(a.given)
		part(a.condition)
		part(a.update)
		part(a.request.values)
		part(a.onFailure)
		if a.statement != nil {
			part(a.statement)
		}
		names := make([]string, len(a.names))
		for j, n := range a.names {
			names[j] = n.Placeholder + "=" + n.Name
		}
		slices.Sort(names)
		for _, n := range names {
			part([]byte(n))
		}
	}
	return h.Sum128().Bytes()
}

// transact does all actions or none.
func (c *call) transact(r *request, actions []action, keys [][]byte, token []byte) error {
	u := c.begin()
	if token != nil {
		id := store.NewTokenID(c.r.AccessKey + "/" + string(token))
		done, err := u.Token(c.now, id, content(actions))
		if done || err != nil {
			c.release()
			switch {
			case errors.Is(err, store.ErrTokenRunning):
				return refuse(codeRunning, "The transaction with the given request token is already in progress.")
			case errors.Is(err, store.ErrTokenMismatch):
				return refuse(codeMismatch, "Request token was used with different parameters")
			case err != nil:
				return err
			}
			return c.repeated(r, actions)
		}
	}
	if err := u.Lock(keys...); err != nil {
		c.release()
		return err
	}
	consumed, _ := wantsConsumed(r.consumed)
	exact := consumed || !c.s.limits.off()
	reasons, failed, err := c.evaluate(u, actions, exact)
	if err == nil && !failed {
		failed = c.admitAll(actions, reasons, exact)
	}
	if err == nil && failed {
		err = cancelled(reasons) // while the items in it are there
	}
	if err != nil {
		c.release()
		return err
	}
	for i := range actions {
		a := &actions[i]
		u.Claim(a.change.key)
		if err := a.change.write(u); err != nil {
			c.release()
			return err
		}
	}
	c.transactReply(r, actions, "WriteCapacityUnits")
	return c.commit()
}

// evaluate reads every item and decides what becomes of it.
func (c *call) evaluate(u *store.Unit, actions []action, exact bool) (reasons []reason, failed bool, err error) {
	reasons = make([]reason, len(actions))
	for i := range actions {
		a := &actions[i]
		reasons[i].code = "None"
		if u.Contended(a.change.key) {
			reasons[i] = reason{code: "TransactionConflict", message: "Transaction is ongoing for the item"}
			failed = true
			continue
		}
		var old item.Doc
		if exact || !a.blind() {
			if old, err = u.Get(a.change.key); err != nil {
				return nil, false, err
			}
		}
		met, err := a.change.evaluate(old)
		switch {
		case err != nil:
			reasons[i] = reason{code: "ValidationError", message: asFault(err).message}
			failed = true
		case !met:
			why := a.change.unmet(nil, false)
			reasons[i] = reason{code: shortCode(why), message: why.message}
			if string(a.onFailure) == "ALL_OLD" {
				reasons[i].item = old
			}
			failed = true
		}
	}
	return reasons, failed, nil
}

// admitAll takes the capacity of all actions, twice what each costs alone. What was taken before
// one was refused stays spent.
func (c *call) admitAll(actions []action, reasons []reason, exact bool) (failed bool) {
	for i := range actions {
		a := &actions[i]
		a.spent = a.change.cost(exact)
		a.spent.double()
		short := a.change.table.meter.admit(c.now, quota.WriteCapacity, &a.spent)
		if short == nil {
			continue
		}
		reasons[i] = c.throttled(a.change.table, short).asReason()
		failed = true
	}
	return failed
}

// cancelled is the fault of a transaction that was given up.
func cancelled(reasons []reason) error {
	codes := make([]string, len(reasons))
	members := []byte(`,"CancellationReasons":[`)
	for i, r := range reasons {
		codes[i] = r.code
		if i > 0 {
			members = append(members, ',')
		}
		members = append(members, `{"Code":"`+r.code+`"`...)
		if r.message != "" {
			members = item.AppendJSONString(append(members, `,"Message":`...), r.message)
		}
		if r.item != nil {
			members = item.AppendJSON(append(members, `,"Item":`...), r.item)
		}
		members = append(members, '}')
	}
	f := refuse(codeCancelled, "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	f.members = append(members, ']')
	return f
}

// repeated answers a transaction that was committed before: it costs reads.
func (c *call) repeated(r *request, actions []action) error {
	for i := range actions {
		a := &actions[i]
		a.spent = cost{}
		a.spent.add(0, a.at(), 2*readUnits(a.given.Size(), true))
		a.change.table.meter.spend(c.now, quota.ReadCapacity, &a.spent)
	}
	c.transactReply(r, actions, "ReadCapacityUnits")
	return nil
}

func (c *call) transactReply(r *request, actions []action, kind string) {
	c.out = append(c.out, '{')
	c.consumedByActions(r, actions, kind)
	c.out = append(c.out, '}')
}

// consumedByActions appends the capacity that the actions consumed, by table.
func (c *call) consumedByActions(r *request, actions []action, kind string) {
	if total, _ := wantsConsumed(r.consumed); !total {
		return
	}
	var spent spending
	for i := range actions {
		spent.add(actions[i].change.table, &actions[i].spent)
	}
	spent.append(c, r.consumed, kind)
}
