package tenant

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v6"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
)

// Platform is the storefront software of a tenant.
type Platform string

// The platforms.
const (
	Shopify     Platform = api.Shopify
	WooCommerce Platform = api.WooCommerce
	Magento     Platform = api.Magento
	Custom      Platform = api.Custom
)

// Tier is the plan that a tenant pays for.
type Tier string

// The tiers, from the smallest tenants to the largest.
const (
	Starter    Tier = "starter"
	Growth     Tier = "growth"
	Enterprise Tier = "enterprise"
)

// Tenant is one synthetic retailer.
type Tenant struct {
	Index         int // from 0; the index into Weights
	ID            string
	Name          string
	Platform      Platform
	Zone          string // IANA name
	Currency      string // ISO 4217
	Country       string // ISO 3166-1 alpha-2
	Tier          Tier
	Size          float64         // share of all events, 0 to 1
	Shop          string          // host name of the storefront; X-Shopify-Shop-Domain
	WebhookSecret string          // what the platform verifies webhooks with: 32 hexadecimal digits, or the PEM of SigningKey's public half
	APIKey        string          // of the gateway; 40 letters and digits
	SigningKey    *rsa.PrivateKey // of Magento shops, one for all of a seed; nil for others
}

// Location loads the tenant's zone. It panics if the zone is not one of the regions' own.
func (t *Tenant) Location() *time.Location {
	loc, err := time.LoadLocation(t.Zone)
	if err != nil {
		panic(fmt.Sprintf("tenant %s: %v", t.ID, err))
	}
	return loc
}

// Options make a population. The zero value is 2,400 tenants of lognormal size.
type Options struct {
	Seed  uint64
	Count int // 0 means 2400; at most 9999
	Sizes Sizes
}

// Sizes is a distribution of tenants' shares of the events.
type Sizes struct {
	// Equal makes all tenants of one size; the others must be 0.
	Equal bool `json:"equal,omitempty"`
	// Sigma is that of a lognormal; 0 means 1.5, as measured on the merchants of a real
	// marketplace.
	Sigma float64 `json:"sigma,omitempty"`
	// Zipf is the exponent s of sizes proportional to rank^-s instead; 0 means lognormal.
	// 0.99 is the usual harsher setting (YCSB's).
	Zipf float64 `json:"zipf,omitempty"`
}

// DefaultCount is how many retailers the platform has.
const DefaultCount = 2400

// EnsureDefaults fills in what is zero.
func (o *Options) EnsureDefaults() {
	if o.Count == 0 {
		o.Count = DefaultCount
	}
	if o.Sizes == (Sizes{}) {
		o.Sizes.Sigma = 1.5
	}
}

// Validate joins all faults.
func (o Options) Validate() error {
	var faults []error
	if o.Count < 1 || o.Count > 9999 {
		faults = append(faults, fmt.Errorf("tenants %d: must be between 1 and 9999", o.Count))
	}
	if !(o.Sizes.Sigma >= 0 && o.Sizes.Sigma <= 5) {
		faults = append(faults, fmt.Errorf("tenant sizes' sigma %v: must be between 0 and 5", o.Sizes.Sigma))
	}
	if !(o.Sizes.Zipf >= 0 && o.Sizes.Zipf <= 3) {
		faults = append(faults, fmt.Errorf("tenant sizes' zipf %v: must be between 0 and 3", o.Sizes.Zipf))
	}
	if o.Sizes.Sigma > 0 && o.Sizes.Zipf > 0 || o.Sizes.Equal && o.Sizes != (Sizes{Equal: true}) {
		faults = append(faults, errors.New("tenant sizes: equal, sigma and zipf exclude each other"))
	}
	return errors.Join(faults...)
}

// New makes the population of a seed. Equal options give equal tenants.
func New(o Options) ([]Tenant, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := plan.Rand(o.Seed, "tenant", 0)
	words := gofakeit.NewUnlocked(plan.Rand(o.Seed, "tenant/name", 0).Int64() | 1) // 0 would ask for a random seed

	sizes, sum := make([]float64, o.Count), 0.0
	for i := range sizes {
		if sizes[i] = math.Exp(o.Sizes.Sigma * r.NormFloat64()); o.Sizes.Zipf > 0 {
			sizes[i] = math.Pow(float64(i+1), -o.Sizes.Zipf)
		}
		sum += sizes[i]
	}
	if o.Sizes.Zipf > 0 { // rank must not follow from the id
		r.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
	}

	var signing *rsa.PrivateKey
	tenants := make([]Tenant, o.Count)
	for i := range tenants {
		region := regions[pick(r.Float64(), regions, func(r region) float64 { return r.weight })]
		id := fmt.Sprintf("t%04d", i+1)
		tenants[i] = Tenant{
			Index: i, ID: id,
			Name:     title(words.AdjectiveDescriptive()) + " " + title(words.NounConcrete()) + " " + suffixes[r.IntN(len(suffixes))],
			Platform: platforms[pick(r.Float64(), platforms, func(p share) float64 { return p.weight })].platform,
			Zone:     region.zone, Currency: region.currency, Country: region.country,
			Tier:   tier(sizes[i] / sum * float64(o.Count)),
			Size:   sizes[i] / sum,
			Shop:   id + ".example.com",
			APIKey: secret(o.Seed, "api-key", id, 20),
		}
		if err := tenants[i].setWebhookKey(o.Seed, &signing); err != nil {
			return nil, err
		}
	}
	return tenants, nil
}

// Weights are the tenants' sizes, for a plan's batches and reads.
func Weights(tenants []Tenant) []float64 {
	w := make([]float64, len(tenants))
	for i := range tenants {
		w[i] = tenants[i].Size
	}
	return w
}

// magentoWebhooks is how many of the webhooks that its size would give it a Magento shop sends.
// An RSA signature costs the generator about a millisecond of CPU: by size they would take 7 of
// the 60 microseconds that an event may cost altogether.
const magentoWebhooks = 0.05

// WebhookWeights are the tenants' shares of a plan's webhooks: their sizes, but few on Magento.
func WebhookWeights(tenants []Tenant) []float64 {
	w := Weights(tenants)
	for i := range tenants {
		if tenants[i].Platform == Magento {
			w[i] *= magentoWebhooks
		}
	}
	return w
}

// setWebhookKey gives the tenant what its platform signs with; shared is made at first use.
func (t *Tenant) setWebhookKey(seed uint64, shared **rsa.PrivateKey) (err error) {
	if t.Platform != Magento {
		t.WebhookSecret = secret(seed, string(t.Platform), t.ID, 16)
		return nil
	}
	if *shared == nil {
		if *shared, err = signingKey(seed); err != nil {
			return err
		}
	}
	t.SigningKey = *shared
	t.WebhookSecret, err = publicPEM(t.SigningKey)
	return err
}

// tier follows the size in multiples of the mean.
func tier(size float64) Tier {
	switch {
	case size >= 5:
		return Enterprise
	case size >= 1:
		return Growth
	}
	return Starter
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// pick is the index at a point u in [0, 1) of the cumulated weights.
func pick[T any](u float64, list []T, weight func(T) float64) int {
	sum := 0.0
	for _, e := range list {
		sum += weight(e)
	}
	at := u * sum
	for i, e := range list {
		if at -= weight(e); at < 0 {
			return i
		}
	}
	return len(list) - 1
}
