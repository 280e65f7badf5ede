package stat

import "math"

// rates are two shares of bad answers, of versions that run side by side.
type rates struct{ stable, canary float64 }

// null is a composite hypothesis about the difference canary - stable of two rates: at most the
// margin, or at least the margin. Both are convex sets of pairs of rates, which is what the
// e-variable below needs.
type null struct {
	margin  float64
	atLeast bool
}

func (n null) holds(r rates) bool {
	if n.atLeast {
		return r.canary-r.stable >= n.margin
	}
	return r.canary-r.stable <= n.margin
}

// project gives the pair in the hypothesis that is nearest to the alternative, in relative
// entropy weighted by the numbers of answers. It lies on the edge canary = stable + margin, unless
// the alternative is in the hypothesis itself. The relative entropy is convex along the edge, so
// its slope has one root; Newton's steps are kept inside a shrinking bracket.
func (n null) project(alternative rates, stable, canary float64) rates {
	if n.holds(alternative) || stable == 0 || canary == 0 {
		return alternative
	}
	low := max(min(alternative.stable, alternative.canary-n.margin), 0)
	high := min(max(alternative.stable, alternative.canary-n.margin), 1-n.margin)
	s := (low*canary + high*stable) / (stable + canary)
	if alternative.stable < alternative.canary-n.margin {
		s = (low*stable + high*canary) / (stable + canary)
	}
	for range 60 {
		c := s + n.margin
		vs, vc := s*(1-s), c*(1-c)
		if vs <= 0 || vc <= 0 {
			s = (low + high) / 2
			c = s + n.margin
			vs, vc = s*(1-s), c*(1-c)
		}
		ds, dc := s-alternative.stable, c-alternative.canary
		slope := stable*ds/vs + canary*dc/vc
		if slope > 0 {
			high = s
		} else {
			low = s
		}
		curve := stable*(vs-ds*(1-2*s))/(vs*vs) + canary*(vc-dc*(1-2*c))/(vc*vc)
		next := s - slope/curve
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-s) <= 1e-15*s {
			break
		}
		s = next
	}
	return rates{s, s + n.margin}
}

// bet is one increment's log likelihood ratio of an alternative to its projection: the logarithm
// of an e-variable.
func bet(alternative, nearest rates, canaryBad, canaryTotal, stableBad, stableTotal float64) float64 {
	return stableBad*math.Log(alternative.stable/nearest.stable) +
		(stableTotal-stableBad)*math.Log((1-alternative.stable)/(1-nearest.stable)) +
		canaryBad*math.Log(alternative.canary/nearest.canary) +
		(canaryTotal-canaryBad)*math.Log((1-alternative.canary)/(1-nearest.canary))
}

// eprocess is evidence against a null: a product over increments of mixtures of bets. Expert 0
// never bets, the others each bet on one alternative. Before each increment a little weight
// is shared out anew ("fixed share", with a share that shrinks like 1/t), so that evidence
// survives a shared outage and harm that begins late is still found.
//
// Each bet has an expectation of at most 1 whatever the true rates are, as long as they are in
// the null during that increment: they may change with time. For the rates p of an increment the
// expectation's logarithm is concave in p and 0 with no uphill direction into the null at the
// projection. So has each mixture whose weights were fixed before the increment, and
// the product never exceeds 1/alpha with more than probability alpha, at whatever moment one
// looks (Ville's inequality).
type eprocess struct {
	null    null
	experts []rates // expert i+1's alternative
	weights []float64
	bets    []float64 // scratch
	steps   int
	log     float64 // of the e-value
	highest float64 // of log
}

func newEProcess(n null, alternatives []rates) *eprocess {
	p := &eprocess{null: n}
	for _, a := range alternatives {
		if !n.holds(a) {
			p.experts = append(p.experts, a)
		}
	}
	p.weights = make([]float64, len(p.experts)+1)
	p.bets = make([]float64, len(p.weights))
	for i := range p.weights {
		p.weights[i] = p.prior(i)
	}
	return p
}

func (p *eprocess) prior(i int) float64 {
	switch {
	case len(p.experts) == 0:
		return 1
	case i == 0:
		return 0.5
	}
	return 0.5 / float64(len(p.experts))
}

func (p *eprocess) observe(canaryBad, canaryTotal, stableBad, stableTotal int64) {
	cb, ct, sb, st := float64(canaryBad), float64(canaryTotal), float64(stableBad), float64(stableTotal)
	best := 0.0
	for i, a := range p.experts {
		p.bets[i+1] = bet(a, p.null.project(a, st, ct), cb, ct, sb, st)
		best = max(best, p.bets[i+1])
	}
	total := 0.0
	for i, w := range p.weights {
		p.weights[i] = w * math.Exp(p.bets[i]-best)
		total += p.weights[i]
	}
	p.log += best + math.Log(total)
	p.highest = max(p.highest, p.log)
	p.steps++
	share := 1 / float64(p.steps+9)
	for i, w := range p.weights {
		p.weights[i] = (1-share)*w/total + share*p.prior(i)
	}
}
