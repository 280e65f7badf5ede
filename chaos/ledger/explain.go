package ledger

import (
	"cmp"
	"slices"

	"github.com/retailflow/stampede/reference/api"
)

// explanation says which events a minute has left out or holds besides its own. Sums of
// hashes tell it: their difference is that of the events, and few sets of events have it.
type explanation struct {
	missing []*fact // its own, not counted
	doubled []*fact // its own, counted once more
	foreign []*fact // another's, counted here
	found   bool
}

func minus(a, b api.Sum128) api.Sum128 {
	lo, hi := a.Lo-b.Lo, a.Hi-b.Hi
	if a.Lo < b.Lo {
		hi--
	}
	return api.Sum128{Hi: hi, Lo: lo}
}

func hash(e *fact) api.Sum128 { return api.Sum128{}.Add(e.id) }

// explain finds how got comes from a minute's events. It tries, in this order: nothing but a
// beginning in order of arrival was counted; repeated rows were counted each; one or two
// objects were counted twice or left out; one event was, or two, or one for another.
func (r *reconciliation) explain(m *minute, got *Figures) explanation {
	delta, surplus := minus(got.IDs, m.IDs), got.Events-m.Events
	own := r.present.rowsOf(m.lo, m.hi)
	firsts := make([]*row, 0, m.hi-m.lo)
	for i := m.lo; i < m.hi; i++ {
		firsts = append(firsts, r.present.at(i))
	}
	for _, try := range []func() explanation{
		func() explanation { return beginning(firsts, got) },
		func() explanation { return everyRow(own, delta, surplus) },
		func() explanation { return objects(firsts, delta, surplus) },
		func() explanation { return r.singles(firsts, delta, surplus) },
	} {
		if e := try(); e.found {
			return e
		}
	}
	return explanation{}
}

// beginning: the roll-up is older than the last events.
func beginning(firsts []*row, got *Figures) explanation {
	if got.Events >= int64(len(firsts)) || got.Events < 0 {
		return explanation{}
	}
	arrived := slices.Clone(firsts)
	slices.SortStableFunc(arrived, func(a, b *row) int { return cmp.Compare(a.received, b.received) })
	sum := api.Sum128{}
	for _, e := range arrived[:got.Events] {
		sum = sum.Add(e.id)
	}
	if sum != got.IDs {
		return explanation{}
	}
	e := explanation{found: true}
	for _, late := range arrived[got.Events:] {
		e.missing = append(e.missing, &late.fact)
	}
	return e
}

// everyRow: equal ids were not dropped.
func everyRow(rows []row, delta api.Sum128, surplus int64) explanation {
	e := explanation{found: true}
	sum := api.Sum128{}
	for i := 1; i < len(rows); i++ {
		if byTenantAndID(&rows[i-1].fact, &rows[i].fact) == 0 {
			sum = sum.Add(rows[i].id)
			e.doubled = append(e.doubled, &rows[i].fact)
		}
	}
	if surplus <= 0 || sum != delta || int64(len(e.doubled)) != surplus {
		return explanation{}
	}
	return e
}

// objects: one or two delivered objects were counted twice, or not at all.
func objects(firsts []*row, delta api.Sum128, surplus int64) explanation {
	type part struct {
		sum  api.Sum128
		rows []*fact
	}
	parts := map[uint32]*part{}
	var order []uint32
	for _, e := range firsts {
		if e.object == 0 {
			continue
		}
		if parts[e.object] == nil {
			parts[e.object] = &part{}
			order = append(order, e.object)
		}
		p := parts[e.object]
		p.sum = p.sum.Add(e.id)
		p.rows = append(p.rows, &e.fact)
	}
	want := delta
	if surplus < 0 {
		want = minus(api.Sum128{}, delta)
	}
	result := func(rows ...*fact) explanation {
		switch int64(len(rows)) {
		case surplus:
			return explanation{found: true, doubled: rows}
		case -surplus:
			return explanation{found: true, missing: rows}
		}
		return explanation{}
	}
	for i, a := range order {
		if parts[a].sum == want {
			return result(parts[a].rows...)
		}
		for _, b := range order[:i] {
			if parts[a].sum.Plus(parts[b].sum) == want {
				return result(append(slices.Clone(parts[a].rows), parts[b].rows...)...)
			}
		}
	}
	return explanation{}
}

// singles: one event too many or too few, two, or one in place of another.
func (r *reconciliation) singles(firsts []*row, delta api.Sum128, surplus int64) explanation {
	if surplus < -2 || surplus > 2 {
		return explanation{}
	}
	own := make(map[api.Sum128]*fact, len(firsts))
	for _, e := range firsts {
		own[hash(&e.fact)] = &e.fact
	}
	// extra sorts an event that was counted too often into the explanation.
	extra := func(e explanation, sum api.Sum128) (explanation, bool) {
		if f := own[sum]; f != nil {
			e.doubled = append(e.doubled, f)
			return e, true
		}
		if f := r.anywhere(sum); f != nil {
			e.foreign = append(e.foreign, f)
			return e, true
		}
		return e, false
	}
	none := api.Sum128{}
	switch surplus {
	case 1:
		e, ok := extra(explanation{found: true}, delta)
		e.found = ok
		return e
	case -1:
		if f := own[minus(none, delta)]; f != nil {
			return explanation{found: true, missing: []*fact{f}}
		}
	case 2, -2:
		if surplus < 0 {
			delta = minus(none, delta)
		}
		for sum, a := range own {
			if b := own[minus(delta, sum)]; b != nil {
				if surplus > 0 {
					return explanation{found: true, doubled: []*fact{a, b}}
				}
				if a != b {
					return explanation{found: true, missing: []*fact{a, b}}
				}
			}
		}
	case 0:
		for sum, a := range own { // the one left out
			if e, ok := extra(explanation{found: true, missing: []*fact{a}}, delta.Plus(sum)); ok && (len(e.doubled) == 0 || e.doubled[0] != a) {
				return e
			}
		}
	}
	return explanation{}
}
