package fit

import (
	"fmt"
	"math"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Options of [Judge].
type Options struct {
	Seed    uint64
	Splits  int // 0 means 10
	Periods int // generated for each split, as long as the weeks that were fitted to; 0 means 20

	// Spoil, if not nil, changes the parameters before weeks are generated from them: a judge that does not see
	// it is none.
	Spoil func(*model.Shop)
}

// Judge fits to a random half of the weeks, generates weeks from the fit, and measures how far those
// and the real weeks that it was fitted to are from the other half; over and over.
func Judge(weeks []model.Week, o Options) ([]model.Distance, error) {
	if o.Splits == 0 {
		o.Splits = 10
	}
	if o.Periods == 0 {
		o.Periods = 20
	}
	if len(weeks) < 4 {
		return nil, fmt.Errorf("judge a fit by %d weeks: want at least 4", len(weeks))
	}
	var rows []model.Distance
	r := plan.Rand(o.Seed, "fit/splits", 0)
	for split := range o.Splits {
		var seen, unseen []model.Week
		for i, place := range r.Perm(len(weeks)) {
			if place%2 == 0 {
				seen = append(seen, weeks[i])
			} else {
				unseen = append(unseen, weeks[i])
			}
		}
		shop, err := Estimate("split", seen)
		if err != nil {
			return nil, fmt.Errorf("split %d: %w", split, err)
		}
		if o.Spoil != nil {
			o.Spoil(&shop)
		}
		truth := newProfile(unseen)
		real := truth.distances(newProfile(seen))
		made, err := Generate(&shop, o.Seed+uint64(split), len(seen), o.Periods)
		if err != nil {
			return nil, fmt.Errorf("split %d: %w", split, err)
		}
		generated := truth.distances(newProfile(made...))
		if rows == nil {
			rows = make([]model.Distance, len(real))
		}
		for i := range real {
			rows[i].Name = real[i].name
			rows[i].Real += real[i].value / float64(o.Splits)
			rows[i].Generated += generated[i].value / float64(o.Splits)
		}
	}
	for i := range rows {
		rows[i].Real, rows[i].Generated = round(rows[i].Real, 5), round(rows[i].Generated, 5)
	}
	return rows, nil
}

// distances of another profile, by measure. Figures are compared by their difference.
func (p *profile) distances(other *profile) []figure {
	var out []figure
	for i, h := range p.marginals {
		out = append(out, figure{marginalNames[i], h.distance(other.marginals[i])})
	}
	far := 0.0
	for i := range p.popular {
		far = max(far, math.Abs(p.popular[i]-other.popular[i]))
	}
	out = append(out, figure{"popularity of products", far})
	for i, f := range p.figures {
		if f.name == severalPrices {
			continue // depends on how products enter and leave the catalogue, which no shop here does
		}
		out = append(out, figure{f.name, math.Abs(f.value - other.figures[i].value)})
	}
	return out
}
