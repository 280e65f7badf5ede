package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/brianvoe/gofakeit/v6"

	"github.com/retailflow/stampede/loadgen/plan"
)

type product struct {
	sku      string
	title    string // quoted for JSON
	category string // without quotes; letters, digits and spaces
}

type customer struct {
	id, first, last, email, phone, street string
}

// catalogue is what bodies are filled from, made once so that an event costs no words: as many
// products and customers as the largest kind of shop has. Prices and popularity are the model's.
type catalogue struct {
	products  []product
	customers []customer
}

func newCatalogue(seed uint64, products, customers int) (catalogue, error) {
	r := plan.Rand(seed, "event/catalogue", 0)
	f := gofakeit.NewUnlocked(r.Int64() | 1) // 0 would ask for a random seed
	c := catalogue{products: make([]product, products), customers: make([]customer, customers)}
	for i := range c.products {
		title, err := json.Marshal(f.ProductName())
		if err != nil {
			return catalogue{}, fmt.Errorf("title of product %d: %w", i, err)
		}
		c.products[i] = product{
			sku:   fmt.Sprintf("%05d%c", 10000+i, 'A'+r.IntN(26)),
			title: string(title), category: words(f.ProductCategory()),
		}
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
	return c, nil
}

// words drops all but letters, digits and single spaces: what is left needs no quoting in JSON.
func words(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}), " ")
}
