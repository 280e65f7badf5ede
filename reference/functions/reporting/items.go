package reporting

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
	"github.com/retailflow/stampede/reference/store"
)

// errNotFound is wrapped where a resource does not exist.
var errNotFound = errors.New("not found")

// factMonths is how many months, counted back from the current one, an order is looked for.
const factMonths = 4

func (a *Analytics) order(ctx context.Context, r *rest.Request) (any, error) {
	tenant, order := r.Tenant(), r.Params["order"]
	answer := api.OrderHistory{Tenant: tenant, Order: order}
	now := a.o.Now().UTC()
	for i := range factMonths {
		pk := store.FactPK(tenant, now.AddDate(0, -i, 1-now.Day()))
		items, err := queryRange(ctx, a.o.DB, a.o.Core, pk, order+"#", order+"#~", false)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			fact, err := store.ParseFact(item)
			if err != nil {
				return nil, err
			}
			if fact.Order != order {
				continue
			}
			answer.Transitions = append(answer.Transitions, api.Transition{Event: fact.ID.String(), Type: fact.State.Name(), At: fact.At,
				Customer: fact.Customer, Currency: fact.Currency, Amount: fact.Amount})
		}
	}
	if len(answer.Transitions) == 0 {
		return nil, fmt.Errorf("order %q in the last %d months: %w", order, factMonths, errNotFound)
	}
	slices.SortStableFunc(answer.Transitions, func(x, y api.Transition) int { return x.At.Compare(y.At) })
	return answer, nil
}

func (a *Analytics) stock(ctx context.Context, r *rest.Request) (any, error) {
	tenant, sku := r.Tenant(), r.Params["sku"]
	out, err := a.o.DB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &a.o.Core, Key: store.ProductKey(tenant, sku).Item()})
	if err != nil {
		return nil, fmt.Errorf("read stock of %s: %w", tenant, err)
	}
	stock, ok := store.ParseStock(out.Item)
	if !ok {
		return nil, fmt.Errorf("stock of %q: %w", sku, errNotFound)
	}
	return api.StockLevel{Tenant: tenant, SKU: sku, Quantity: stock.Quantity}, nil
}
