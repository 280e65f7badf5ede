package tenant

// region is where a tenant trades. Zones at half and quarter hours are over-represented on
// purpose: daily figures go wrong there first.
type region struct {
	zone, currency, country string
	weight                  float64
}

var regions = []region{
	{"America/New_York", "USD", "US", 22},
	{"America/Chicago", "USD", "US", 10},
	{"America/Denver", "USD", "US", 4},
	{"America/Los_Angeles", "USD", "US", 12},
	{"America/Toronto", "CAD", "CA", 4},
	{"America/St_Johns", "CAD", "CA", 2}, // -3:30
	{"America/Sao_Paulo", "BRL", "BR", 3},
	{"Europe/London", "GBP", "GB", 10},
	{"Europe/Berlin", "EUR", "DE", 6},
	{"Europe/Paris", "EUR", "FR", 5},
	{"Europe/Stockholm", "SEK", "SE", 2},
	{"Asia/Kuwait", "KWD", "KW", 1}, // thousandths
	{"Asia/Dubai", "AED", "AE", 1},
	{"Asia/Kolkata", "INR", "IN", 4},       // +5:30
	{"Asia/Kathmandu", "NPR", "NP", 1},     // +5:45
	{"Asia/Tokyo", "JPY", "JP", 4},         // no minor unit
	{"Australia/Eucla", "AUD", "AU", 1},    // +8:45
	{"Australia/Adelaide", "AUD", "AU", 2}, // +9:30
	{"Australia/Sydney", "AUD", "AU", 4},
	{"Pacific/Chatham", "NZD", "NZ", 1}, // +12:45
	{"Pacific/Auckland", "NZD", "NZ", 1},
}

type share struct {
	platform Platform
	weight   float64
}

var platforms = []share{{Shopify, 45}, {WooCommerce, 30}, {Magento, 15}, {Custom, 10}}

var suffixes = []string{"Goods", "Supply", "Outfitters", "Market", "Trading", "Home", "Store", "Works"}
