package store

import (
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store/codec"
)

// Version attributes of mutable items. A product's description and its stock have different
// sources and so versions of their own.
const (
	attrProductVersion  = "product_v"
	attrStockVersion    = "stock_v"
	attrCustomerVersion = "customer_v"
)

// CustomerKey is a customer's item.
func CustomerKey(tenant, customer string) Key {
	return Key{PK: "T#" + tenant, SK: "CUST#" + name(customer)}
}

// ProductKey is the item of a product and its stock.
func ProductKey(tenant, sku string) Key { return Key{PK: "T#" + tenant, SK: "PROD#" + name(sku)} }

// Revision sets some attributes of a mutable item, if it is newer than what the item holds:
// if the item has no Attr or one that sorts before Version. Applied in any order and however
// often, revisions of a key leave the newest.
type Revision struct {
	Key     Key
	Attr    string // the version attribute
	Version string
	Set     map[string]types.AttributeValue // includes Attr
}

// RevisionOf is what an event says about a mutable item; ok is false if it says nothing.
// Stock levels are ordered by the store's sequence, the others by business time, then by id.
func RevisionOf(tenant string, e *codec.Event) (rev Revision, ok bool) {
	switch e.Type {
	case api.EventType_INVENTORY_ADJUSTED:
		rev = Revision{
			Key: ProductKey(tenant, string(e.SKU)), Attr: attrStockVersion, Version: version(e.Sequence, e.ID),
			Set: map[string]types.AttributeValue{"sku": text(string(e.SKU)), "stock": number(e.Quantity), "stock_ms": number(e.TimeMs)},
		}
	case api.EventType_PRODUCT_UPDATED:
		rev = Revision{
			Key: ProductKey(tenant, string(e.SKU)), Attr: attrProductVersion, Version: version(uint64(max(e.TimeMs, 0)), e.ID),
			Set: map[string]types.AttributeValue{
				"sku": text(string(e.SKU)), "title": text(string(e.Title)), "category": text(string(e.Category)),
				"price_minor": number(e.Amount), "currency": text(string(e.Currency)),
				AttrGSI1PK: text("T#" + tenant + "#CAT#" + name(string(e.Category))), AttrGSI1SK: text(name(string(e.SKU))),
			},
		}
	case api.EventType_CUSTOMER_CREATED, api.EventType_CUSTOMER_UPDATED:
		rev = Revision{
			Key: CustomerKey(tenant, string(e.Customer)), Attr: attrCustomerVersion, Version: version(uint64(max(e.TimeMs, 0)), e.ID),
			Set: map[string]types.AttributeValue{"customer": text(string(e.Customer)), "country": text(string(e.Country)), "customer_ms": number(e.TimeMs)},
		}
		if len(e.EmailHash) > 0 {
			rev.Set["email_hash"] = text(string(e.EmailHash))
			rev.Set[AttrGSI1PK] = text("EMAIL#" + name(string(e.EmailHash)))
			rev.Set[AttrGSI1SK] = text("T#" + tenant)
		}
	default:
		return Revision{}, false
	}
	rev.Set[rev.Attr] = text(rev.Version)
	return rev, true
}

// version sorts as text: by number, then by id.
func version(n uint64, id api.ID) string {
	return fmt.Sprintf("%020d#%s", n, hex.EncodeToString(id[:]))
}

// Stock is a product's stock level as last adjusted.
type Stock struct {
	Tenant   string
	SKU      string
	Quantity int64
	Version  string // of the revision that set it
}

// ParseStock reads the stock of a product item; ok is false if it holds none.
func ParseStock(item map[string]types.AttributeValue) (stock Stock, ok bool) {
	tenant, _, err := cutTenant(textOf(item, AttrPK), "")
	quantity, ok := numberOf(item, "stock")
	if err != nil || !ok {
		return Stock{}, false
	}
	return Stock{Tenant: tenant, SKU: textOf(item, "sku"), Quantity: quantity, Version: textOf(item, attrStockVersion)}, true
}
