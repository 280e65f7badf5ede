package event

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/brianvoe/gofakeit/v6"

	"github.com/retailflow/stampede/loadgen/plan"
)

// How much all tenants choose from. Each tenant has its own order of popularity.
const (
	productCount  = 2000
	customerCount = 4096
	skuSigma      = 1.69 // lognormal sigma of SKU popularity by order lines in a real shop
)

type product struct {
	sku      string
	title    string // quoted for JSON
	category string // without quotes; letters, digits and spaces
	price    milli  // in dollars or pounds
}

type customer struct {
	id, first, last, email, phone, street string
}

// catalogue is what bodies are filled from, made once so that an event costs no words.
type catalogue struct {
	products  []product
	popular   plan.Weighted
	customers []customer
}

func newCatalogue(seed uint64) (catalogue, error) {
	r := plan.Rand(seed, "event/catalogue", 0)
	f := gofakeit.NewUnlocked(r.Int64() | 1) // 0 would ask for a random seed
	c := catalogue{products: make([]product, productCount), customers: make([]customer, customerCount)}
	weights := make([]float64, productCount)
	for i := range c.products {
		title, err := json.Marshal(f.ProductName())
		if err != nil {
			return catalogue{}, fmt.Errorf("title of product %d: %w", i, err)
		}
		price := math.Exp(0.768 + 0.952*r.NormFloat64()) // lognormal as fitted to real unit prices
		c.products[i] = product{
			sku:   fmt.Sprintf("%05d%c", 10000+i, 'A'+r.IntN(26)),
			title: string(title), category: words(f.ProductCategory()),
			price: max(milli(price*1000), 10),
		}
		weights[i] = math.Exp(skuSigma * r.NormFloat64())
	}
	for i := range c.customers {
		first, last := words(f.FirstName()), words(f.LastName())
		c.customers[i] = customer{
			id:    fmt.Sprintf("c%08x", r.Uint32()),
			first: first, last: last,
			email: strings.ToLower(strings.ReplaceAll(first+"."+last, " ", "")) + fmt.Sprint(i) + "@" +
				[]string{"example.com", "example.org", "example.net"}[r.IntN(3)],
			phone:  fmt.Sprintf("555-01%02d", r.IntN(100)),
			street: fmt.Sprintf("%d Example Street", 1+r.IntN(200)),
		}
	}
	var err error
	c.popular, err = plan.NewWeighted(weights)
	return c, err
}

// words drops all but letters, digits and single spaces: what is left needs no quoting in JSON.
func words(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}), " ")
}

// product draws by popularity; every tenant's hits are others.
func (c *catalogue) product(r *rand.Rand, tenant int32) *product {
	return &c.products[(int(c.popular.Pick(r))+int(tenant)*7)%productCount]
}

func (c *catalogue) customer(r *rand.Rand) *customer {
	return &c.customers[r.IntN(customerCount)]
}
