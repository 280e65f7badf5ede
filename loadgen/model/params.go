package model

import (
	"bytes"
	_ "embed" // the parameters
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Params is all that the generator knows about retailers, and where it knows it from.
type Params struct {
	Source     []string   `json:"source"` // data sets, with their licences
	Population Population `json:"population"`
	Events     []Share    `json:"events"` // of batches, by type; cancellations are the shops'
	Views      Traffic    `json:"views"`
	Shops      []Shop     `json:"shops"`
	Fit        []Distance `json:"fit"` // of the first shop
}

// Distance says how far two samples lie, by one measure, from real weeks that no parameter was
// fitted to: the real weeks that parameters were fitted to, and weeks drawn from those parameters.
type Distance struct {
	Name      string  `json:"name"`
	Real      float64 `json:"real"`
	Generated float64 `json:"generated"`
}

// Ratio is how much farther the drawn weeks lie; 1 if both agree entirely.
func (d Distance) Ratio() float64 {
	if d.Real == 0 && d.Generated == 0 {
		return 1
	}
	return d.Generated / d.Real
}

// Population is what tenants are drawn from.
type Population struct {
	Count     int      `json:"count"`      // tenants
	SizeSigma float64  `json:"size_sigma"` // of a lognormal, of tenants' shares of all events
	Platforms []Share  `json:"platforms"`
	Kinds     []Share  `json:"kinds"` // names of Shops
	Regions   []Region `json:"regions"`
}

// Share is a name and how often it comes, in any unit.
type Share struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
}

// Region is where a tenant trades.
type Region struct {
	Zone     string  `json:"zone"`     // IANA name
	Currency string  `json:"currency"` // ISO 4217
	Country  string  `json:"country"`  // ISO 3166-1 alpha-2
	Weight   float64 `json:"weight"`
}

// Traffic is how requests of a web site spread over time.
type Traffic struct {
	Hours      [24]float64 `json:"hours"`      // of the day, share of requests
	Days       [7]float64  `json:"days"`       // from Monday, share of requests
	Dispersion []Scale     `json:"dispersion"` // variance over mean of counts
	Peaks      []Scale     `json:"peaks"`      // largest count over the mean one
}

// Scale is a figure of counts in windows of a length.
type Scale struct {
	Window string  `json:"window"` // such as 1m
	Value  float64 `json:"value"`
}

// Shop is one kind of shop. Prices are thousandths of a pound.
type Shop struct {
	Name   string         `json:"name"`
	Weekly float64        `json:"weekly"`       // orders in a mean week
	Weeks  Table          `json:"weeks"`        // a week's orders over the mean week's, in thousandths
	Days   [7]float64     `json:"days"`         // share of a week's orders, from Monday
	Levels Table          `json:"levels"`       // a day's orders over what its week and day of week expect, in thousandths
	Hours  [7][24]float64 `json:"hours"`        // share of a day's orders, from Monday
	Noise  float64        `json:"noise"`        // sigma of the lognormal, of mean 1, that the rate of each ten minutes is multiplied by
	Twins  float64        `json:"twins"`        // orders in whose minute another comes, over and above chance
	Again  float64        `json:"again"`        // share of orders that name a product twice on purpose
	Stray  float64        `json:"stray"`        // share of lines at another than the product's own price
	Turns  Returns        `json:"cancellation"` // whole orders taken back
	Odd    Odd            `json:"write_offs"`

	Classes   []Class `json:"classes"`
	Products  Mixture `json:"products"`
	Customers Mixture `json:"customers"`
}

// Class is a kind of order. A product, a price and a quantity are not independent: the price
// decides the distribution of the quantity.
type Class struct {
	Name   string      `json:"name"`
	Guest  bool        `json:"guest"` // nobody's name is known
	Hours  [24]float64 `json:"hours"` // share of the hour's orders that are of this class
	Lines  Table       `json:"lines"` // of an order
	Prices Table       `json:"prices"`
	Bands  []Band      `json:"bands"` // by rising price
}

// Band is the quantities at prices up to a limit.
type Band struct {
	UpTo       int64 `json:"up_to"` // inclusive; the last band's is not looked at
	Quantities Table `json:"quantities"`
}

// Returns says how orders are cancelled.
type Returns struct {
	Share  float64 `json:"share"`  // cancellations an order
	Delays Table   `json:"delays"` // minutes
}

// Odd are entries in the order book that sell nothing: stock written off at a price of zero.
type Odd struct {
	Share      float64 `json:"share"` // entries an order
	Quantities Table   `json:"quantities"`
}

// Mixture is a population of which each member is met at its own mean rate: counts over any time
// are a mixture of Poisson distributions.
type Mixture struct {
	Rates   []float64 `json:"rates"`   // a week
	Members []float64 `json:"members"` // at each rate
}

//go:embed params.json
var embedded []byte

// Default are the parameters that come with the program.
func Default() (*Params, error) { return Parse(embedded) }

// Shop finds a kind of shop by its name, or is nil.
func (p *Params) Shop(name string) *Shop {
	for i := range p.Shops {
		if p.Shops[i].Name == name {
			return &p.Shops[i]
		}
	}
	return nil
}

// Parse reads a parameter file. Unknown keys and impossible values are faults, all of them named.
func Parse(text []byte) (*Params, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var p Params
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	return &p, nil
}

// keys begin a line of a parameter file, so that two versions of one can be compared.
var keys = regexp.MustCompile(`([\[,{])("(?:name|up_to|weeks|days|levels|hours|noise|twins|again|stray|cancellation|write_offs|classes|lines|prices|bands|products|customers|population|events|views|shops|fit|platforms|kinds|regions|zone|dispersion|peaks)":|\{"(?:up_to|name|zone)":)`)

// Encode writes a parameter file, as Parse reads it.
func (p *Params) Encode() ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write parameters: %w", err)
	}
	return append(keys.ReplaceAll(text, []byte("$1\n$2")), '\n'), nil
}

// Validate joins all faults.
func (p *Params) Validate() error {
	var faults []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	add(p.Population.Count > 0 && p.Population.Count <= 9999, "population of %d: must be between 1 and 9999", p.Population.Count)
	add(p.Population.SizeSigma > 0 && p.Population.SizeSigma <= 5, "size_sigma %v: must be above 0, at most 5", p.Population.SizeSigma)
	add(len(p.Population.Platforms) > 0 && len(p.Population.Kinds) > 0 && len(p.Population.Regions) > 0, "no platforms, no kinds or no regions")
	add(len(p.Events) > 0, "no events")
	for _, s := range slices.Concat(p.Population.Platforms, p.Population.Kinds, p.Events) {
		add(s.Weight > 0, "%s has weight %v: must be above 0", s.Name, s.Weight)
	}
	for _, r := range p.Population.Regions {
		add(r.Weight > 0, "zone %s has weight %v: must be above 0", r.Zone, r.Weight)
	}
	add(len(p.Shops) > 0, "no shops")
	for _, k := range p.Population.Kinds {
		add(p.Shop(k.Name) != nil, "kind %q: no shop of that name", k.Name)
	}
	for i := range p.Shops {
		if err := p.Shops[i].Validate(); err != nil {
			faults = append(faults, fmt.Errorf("shop %q: %w", p.Shops[i].Name, err))
		}
	}
	return errors.Join(faults...)
}

// Validate joins all faults.
func (s *Shop) Validate() error {
	var faults []error
	table := func(name string, t Table) {
		if err := t.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	share := func(name string, v, most float64) {
		if !(v >= 0 && v <= most) {
			faults = append(faults, fmt.Errorf("%s %v: must be between 0 and %v", name, v, most))
		}
	}
	table("weeks", s.Weeks)
	table("levels", s.Levels)
	share("weekly", s.Weekly, 1e7)
	share("noise", s.Noise, 3)
	share("twins", s.Twins, 1)
	share("again", s.Again, 1)
	share("stray", s.Stray, 1)
	share("cancellation", s.Turns.Share, 1)
	share("write_offs", s.Odd.Share, 1)
	table("cancellation delays", s.Turns.Delays)
	if s.Odd.Share > 0 {
		table("write_offs", s.Odd.Quantities)
	}
	for _, m := range []Mixture{s.Products, s.Customers} {
		if len(m.Rates) == 0 || len(m.Rates) != len(m.Members) {
			faults = append(faults, fmt.Errorf("mixture of %d rates and %d members: want as many of each, at least 1", len(m.Rates), len(m.Members)))
		}
	}
	if len(s.Classes) == 0 {
		faults = append(faults, errors.New("no classes"))
	}
	for _, c := range s.Classes {
		table(c.Name+" lines", c.Lines)
		table(c.Name+" prices", c.Prices)
		if len(c.Bands) == 0 {
			faults = append(faults, fmt.Errorf("%s: no bands", c.Name))
		}
		for _, b := range c.Bands {
			table(fmt.Sprintf("%s quantities up to %d", c.Name, b.UpTo), b.Quantities)
		}
	}
	return errors.Join(faults...)
}
