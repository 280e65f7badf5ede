package fit

import "github.com/retailflow/stampede/loadgen/model"

// Names of the two kinds of shop.
const (
	Bulk   = "bulk"   // between companies: orders of many lines
	Retail = "retail" // consumers: nine of ten orders are of one line
)

// Population is what 2,400 retailers are drawn from. Only the spread of sizes is measured, on the
// merchants of a marketplace; the rest is chosen so that every platform and currency comes. Zones
// at half and quarter hours are over-represented on purpose: daily figures go wrong there first.
func Population() model.Population {
	return model.Population{
		Count: 2400, SizeSigma: 1.5,
		Platforms: []model.Share{{Name: "shopify", Weight: 45}, {Name: "woocommerce", Weight: 30}, {Name: "magento", Weight: 15}, {Name: "custom", Weight: 10}},
		Kinds:     []model.Share{{Name: Bulk, Weight: 20}, {Name: Retail, Weight: 80}},
		Regions: []model.Region{
			region("America/New_York", "USD", "US", 22),
			region("America/Chicago", "USD", "US", 10),
			region("America/Denver", "USD", "US", 4),
			region("America/Los_Angeles", "USD", "US", 12),
			region("America/Toronto", "CAD", "CA", 4),
			region("America/St_Johns", "CAD", "CA", 2), // -3:30
			region("America/Sao_Paulo", "BRL", "BR", 3),
			region("Europe/London", "GBP", "GB", 10),
			region("Europe/Berlin", "EUR", "DE", 6),
			region("Europe/Paris", "EUR", "FR", 5),
			region("Europe/Stockholm", "SEK", "SE", 2),
			region("Asia/Kuwait", "KWD", "KW", 1), // thousandths
			region("Asia/Dubai", "AED", "AE", 1),
			region("Asia/Kolkata", "INR", "IN", 4),       // +5:30
			region("Asia/Kathmandu", "NPR", "NP", 1),     // +5:45
			region("Asia/Tokyo", "JPY", "JP", 4),         // no minor unit
			region("Australia/Eucla", "AUD", "AU", 1),    // +8:45
			region("Australia/Adelaide", "AUD", "AU", 2), // +9:30
			region("Australia/Sydney", "AUD", "AU", 4),
			region("Pacific/Chatham", "NZD", "NZ", 1), // +12:45
			region("Pacific/Auckland", "NZD", "NZ", 1),
		},
	}
}

// Events is how often each type comes in batches. It is chosen: no data set tells all of a
// platform's traffic.
func Events() []model.Share {
	return []model.Share{
		{Name: "product.viewed", Weight: 60}, {Name: "inventory.adjusted", Weight: 14}, {Name: "order.created", Weight: 8},
		{Name: "order.paid", Weight: 5}, {Name: "product.updated", Weight: 4}, {Name: "order.fulfilled", Weight: 3.5},
		{Name: "customer.created", Weight: 2}, {Name: "customer.updated", Weight: 2}, {Name: "order.refunded", Weight: 0.7},
	}
}

func region(zone, currency, country string, weight float64) model.Region {
	return model.Region{Zone: zone, Currency: currency, Country: country, Weight: weight}
}
