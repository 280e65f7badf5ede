package tenant

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v6"

	"github.com/retailflow/stampede/loadgen/model"
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
	Kind          string // of shop: a name of model.Params.Shops
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

// Location loads the tenant's zone. It panics if the host and the program have no such zone.
func (t *Tenant) Location() *time.Location {
	loc, err := time.LoadLocation(t.Zone)
	if err != nil {
		panic(fmt.Sprintf("tenant %s: %v", t.ID, err))
	}
	return loc
}

// Options make a population. The zero value is the model's: 2,400 tenants of lognormal size.
type Options struct {
	Seed  uint64
	Count int // 0 means the model's; at most 9999
	Sizes Sizes
	Model *model.Params // what tenants are drawn from; nil means model.Default
}

// Sizes is a distribution of tenants' shares of the events.
type Sizes struct {
	// Equal makes all tenants of one size; the others must be 0.
	Equal bool `json:"equal,omitempty"`
	// Sigma is that of a lognormal.
	Sigma float64 `json:"sigma,omitempty"`
	// Zipf is the exponent s of sizes proportional to rank^-s instead; 0 means lognormal.
	// 0.99 is the usual harsher setting (YCSB's).
	Zipf float64 `json:"zipf,omitempty"`
}

// EnsureDefaults fills in what is zero. The error is of the parameters that come with the program.
func (o *Options) EnsureDefaults() (err error) {
	if o.Model == nil {
		if o.Model, err = model.Default(); err != nil {
			return err
		}
	}
	if o.Count == 0 {
		o.Count = o.Model.Population.Count
	}
	if o.Sizes == (Sizes{}) {
		o.Sizes.Sigma = o.Model.Population.SizeSigma
	}
	return nil
}

// Validate joins all faults of options with their defaults filled in.
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
	for _, p := range o.Model.Population.Platforms {
		if !slices.Contains([]Platform{Shopify, WooCommerce, Magento, Custom}, Platform(p.Name)) {
			faults = append(faults, fmt.Errorf("platform %q of the model: nobody's", p.Name))
		}
	}
	for _, r := range o.Model.Population.Regions {
		if _, err := time.LoadLocation(r.Zone); err != nil || !api.ValidCurrency(r.Currency) {
			faults = append(faults, fmt.Errorf("zone %q and currency %q of the model: there must be both", r.Zone, r.Currency))
		}
	}
	return errors.Join(faults...)
}

// New makes the population of a seed. Equal options give equal tenants.
func New(o Options) ([]Tenant, error) {
	tenants, err := Draw(o)
	if err != nil {
		return nil, err
	}
	return tenants, setSigningKey(tenants, o.Seed)
}

// Draw makes the same population as New but for the key pair of Magento shops, which takes 0.1 s
// to find: they have neither SigningKey nor WebhookSecret. It is enough to plan with.
func Draw(o Options) ([]Tenant, error) {
	if err := o.EnsureDefaults(); err != nil {
		return nil, err
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	people := &o.Model.Population
	r, kind := plan.Rand(o.Seed, "tenant", 0), plan.Rand(o.Seed, "tenant/kind", 0)
	words := gofakeit.NewUnlocked(plan.Rand(o.Seed, "tenant/name", 0).Int64() | 1) // 0 would ask for a random seed
	sizes := o.sizes(r)
	tenants := make([]Tenant, o.Count)
	for i := range tenants {
		region := pick(r.Float64(), people.Regions, func(r model.Region) float64 { return r.Weight })
		id := fmt.Sprintf("t%04d", i+1)
		t := &tenants[i]
		*t = Tenant{
			Index: i, ID: id,
			Name:     title(words.AdjectiveDescriptive()) + " " + title(words.NounConcrete()) + " " + suffixes[r.IntN(len(suffixes))],
			Platform: Platform(pick(r.Float64(), people.Platforms, weight).Name), Kind: pick(kind.Float64(), people.Kinds, weight).Name,
			Zone: region.Zone, Currency: region.Currency, Country: region.Country,
			Tier:   tier(sizes[i] * float64(o.Count)),
			Size:   sizes[i],
			Shop:   id + ".example.com",
			APIKey: secret(o.Seed, "api-key", id, 20),
		}
		if t.Platform != Magento {
			t.WebhookSecret = secret(o.Seed, string(t.Platform), id, 16)
		}
	}
	return tenants, nil
}

// sizes are the tenants' shares of all events.
func (o Options) sizes(r *rand.Rand) []float64 {
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
	for i := range sizes {
		sizes[i] /= sum
	}
	return sizes
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

var suffixes = []string{"Goods", "Supply", "Outfitters", "Market", "Trading", "Home", "Store", "Works"}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func weight(s model.Share) float64 { return s.Weight }

// pick is the entry at a point u in [0, 1) of the cumulated weights.
func pick[T any](u float64, list []T, weight func(T) float64) T {
	sum := 0.0
	for _, e := range list {
		sum += weight(e)
	}
	at := u * sum
	for _, e := range list {
		if at -= weight(e); at < 0 {
			return e
		}
	}
	return list[len(list)-1]
}
