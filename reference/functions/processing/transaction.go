package processing

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store"
)

// The conditions that the protocol rests on.
const (
	ifAbsent = "attribute_not_exists(pk)"
	ifGen    = "gen = :gen"
	ifToken  = "tok = :tok"
	ifNewer  = "attribute_not_exists(#v) OR #v < :v"
)

// entry is what must be committed together: one tenant's minute, hour or day. Several share a
// transaction; one whose condition fails is left out and the others go on.
type entry struct {
	actions []types.TransactWriteItem
	// marks are markers to put. Entries of a transaction may have them in common, since it may
	// name an item only once: whichever token is put, it is a fresh one.
	marks []item
	table string // of the marks
	bytes int
}

// outcome says what became of an entry.
type outcome int

const (
	committed outcome = iota
	stale             // a condition failed: somebody else was faster
	refused           // conflict, throttled or too large: try again later
)

// commit writes entries in as few transactions as possible. The error is of a call that failed
// as a whole; outcomes are then what is known, and not committed for the rest.
func (db *database) commit(ctx context.Context, entries []*entry) ([]outcome, error) {
	outcomes := make([]outcome, len(entries))
	for i := range outcomes {
		outcomes[i] = refused
	}
	groups := pack(entries, db.actions)
	err := db.each(ctx, len(groups), func(ctx context.Context, g int) error {
		for left := groups[g]; len(left) > 0; {
			actions, owners := join(entries, left)
			_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
			if err == nil {
				for _, i := range left {
					outcomes[i] = committed
				}
				return nil
			}
			reasons, ok := cancelled(err)
			if !ok || len(reasons) != len(actions) {
				return fmt.Errorf("commit %d actions: %w", len(actions), err)
			}
			out := blame(reasons, owners)
			if len(out) == 0 {
				return fmt.Errorf("commit %d actions, cancelled for no action's reason: %w", len(actions), err)
			}
			var rest []int
			for _, i := range left {
				if o, bad := out[i]; bad {
					outcomes[i] = o
				} else {
					rest = append(rest, i)
				}
			}
			left = rest
		}
		return nil
	})
	return outcomes, err
}

// pack groups entries, in order, into transactions.
func pack(entries []*entry, most int) [][]int {
	var groups [][]int
	actions, bytes := 0, 0
	for i, e := range entries {
		n := len(e.actions) + len(e.marks)
		if len(groups) == 0 || actions+n > most || bytes+e.bytes > transactBytes {
			groups = append(groups, nil)
			actions, bytes = 0, 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
		actions, bytes = actions+n, bytes+e.bytes
	}
	return groups
}

// join lists a transaction's actions and the entry that each belongs to.
func join(entries []*entry, which []int) (actions []types.TransactWriteItem, owners []int) {
	marked := map[store.Key]bool{}
	for _, i := range which {
		for _, a := range entries[i].actions {
			actions, owners = append(actions, a), append(owners, i)
		}
		for _, mark := range entries[i].marks {
			if key := store.KeyOf(mark); !marked[key] {
				marked[key] = true
				actions, owners = append(actions, putAction(entries[i].table, mark)), append(owners, i)
			}
		}
	}
	return actions, owners
}

func blame(reasons []types.CancellationReason, owners []int) map[int]outcome {
	out := map[int]outcome{}
	for at, reason := range reasons {
		switch aws.ToString(reason.Code) {
		case "None", "":
		case "ConditionalCheckFailed":
			out[owners[at]] = stale
		default: // TransactionConflict, ThrottlingError, ProvisionedThroughputExceeded, …
			if _, known := out[owners[at]]; !known {
				out[owners[at]] = refused
			}
		}
	}
	return out
}

// settle commits single conditional actions whose failed conditions mean that there is nothing
// to do. What is refused is tried again, since callers go on as if all were settled.
func (db *database) settle(ctx context.Context, entries []*entry) error {
	const attempts = 8
	backoff := firstBackoff
	for attempt := 1; len(entries) > 0; attempt++ {
		outcomes, err := db.commit(ctx, entries)
		if err != nil {
			return err
		}
		var rest []*entry
		for i, o := range outcomes {
			if o == refused {
				rest = append(rest, entries[i])
			}
		}
		if entries = rest; len(entries) == 0 {
			return nil
		}
		if attempt == attempts {
			return fmt.Errorf("%d conditional writes refused %d times", len(entries), attempts)
		}
		if err := db.wait(ctx, backoff); err != nil {
			return err
		}
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

func putAction(table string, it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String(table), Item: it}}
}

func putAbsent(table string, it item) types.TransactWriteItem {
	a := putAction(table, it)
	a.Put.ConditionExpression = aws.String(ifAbsent)
	return a
}

// putHead puts a roll-up's head on condition that the generation is still the one before.
func putHead(table string, head item, gen int64) types.TransactWriteItem {
	if gen == 1 {
		return putAbsent(table, head)
	}
	a := putAction(table, head)
	a.Put.ConditionExpression = aws.String(ifGen)
	a.Put.ExpressionAttributeValues = item{":gen": &types.AttributeValueMemberN{Value: strconv.FormatInt(gen-1, 10)}}
	return a
}

func deleteAction(table string, key store.Key) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String(table), Key: key.Item()}}
}

// deleteMarker deletes a marker on condition that it is still the one that was read.
func deleteMarker(table string, m store.Marker) types.TransactWriteItem {
	a := deleteAction(table, m.Key)
	a.Delete.ConditionExpression = aws.String(ifToken)
	a.Delete.ExpressionAttributeValues = item{":tok": &types.AttributeValueMemberS{Value: m.Token}}
	return a
}

// updateNewer applies a revision on condition that it is newer.
func updateNewer(table string, rev store.Revision) types.TransactWriteItem {
	names := map[string]string{"#v": rev.Attr}
	values := item{":v": rev.Set[rev.Attr]}
	expression := "SET #v = :v"
	for attr, value := range rev.Set {
		if attr != rev.Attr {
			names["#"+attr], values[":"+attr] = attr, value
			expression += ", #" + attr + " = :" + attr
		}
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String(table), Key: rev.Key.Item(),
		UpdateExpression: aws.String(expression), ConditionExpression: aws.String(ifNewer),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}

// itemBytes is about what an item takes in a transaction of at most 4 MB.
func itemBytes(it item) int {
	n := 0
	for attr, value := range it {
		n += len(attr) + 8
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		}
	}
	return n
}
