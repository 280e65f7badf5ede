package ledger

// checkMinutes compares every minute of a part's roll-up with the events that it must hold. Which
// events it holds decides between lost, doubled and other ones; whether it adds them up
// correctly is a check of its own, on the events that it does hold.
func (r *reconciliation) checkMinutes(minutes buckets) {
	lost, doubled := r.finding(CheckLost), r.finding(CheckDoubled)
	ids, figures := r.finding(CheckMinuteIDs), r.finding(CheckMinutes)
	if r.minutes == nil {
		return
	}
	at := 0
	visit := func(m *minute, got *Figures) {
		doubled.Compared += m.Events
		ids.Compared++
		r.report.Events += got.Events
		want := m.Figures.clone()
		if got.IDs != m.IDs || got.Events != m.Events {
			e := r.explain(m, got)
			r.blame(m, got, e, lost, doubled, ids)
			if !e.found {
				return // its figures cannot be right
			}
			want.Events, want.IDs = got.Events, got.IDs
			for _, f := range e.missing {
				want.effect(r.names, f, -1)
			}
			for _, extra := range [][]*fact{e.doubled, e.foreign} {
				for _, f := range extra {
					want.effect(r.names, f, 1)
				}
			}
		}
		figures.Compared++
		if !want.equal(got) {
			figures.bad(1, "tenant %s %s: %s", r.tenants.text[m.tenant], timeOf(m.start), want.difference(got))
		}
	}
	for i := range r.truth {
		m := &r.truth[i]
		for ; at < len(minutes) && before(&minutes[at], &m.bucket); at++ {
			visit(&minute{bucket: bucket{tenant: minutes[at].tenant, start: minutes[at].start}}, &minutes[at].Figures)
		}
		if at < len(minutes) && minutes[at].tenant == m.tenant && minutes[at].start == m.start {
			visit(m, &minutes[at].Figures)
			at++
			continue
		}
		visit(m, &Figures{}) // no roll-up: all its events are left out
	}
	for ; at < len(minutes); at++ {
		visit(&minute{bucket: bucket{tenant: minutes[at].tenant, start: minutes[at].start}}, &minutes[at].Figures)
	}
}

func before(a, b *bucket) bool {
	return a.tenant < b.tenant || a.tenant == b.tenant && a.start < b.start
}

// blame gives each event that is left out, doubled or foreign to the check that owns it.
func (r *reconciliation) blame(m *minute, got *Figures, e explanation, lost, doubled, ids *finding) {
	where := "tenant " + r.tenants.text[m.tenant] + " " + timeOf(m.start)
	surplus := got.Events - m.Events
	switch {
	case e.found:
		for _, f := range e.missing {
			lost.bad(1, "%s is in a block but not in its minute %s", r.name(f), timeOf(m.start))
		}
		for _, f := range e.doubled {
			doubled.bad(1, "%s is counted twice in its minute %s", r.name(f), timeOf(m.start))
		}
		for _, f := range e.foreign {
			ids.bad(1, "%s holds %s", where, r.name(f))
		}
	case m.Events == 0:
		ids.bad(1, "%s says %d events and must have none", where, got.Events)
	case surplus > 0:
		doubled.bad(surplus, "%s counts %d events of %d, and which are more cannot be told", where, got.Events, m.Events)
	case surplus < 0:
		lost.bad(-surplus, "%s counts %d events of %d, and which are left out cannot be told", where, got.Events, m.Events)
	default:
		ids.bad(1, "%s counts %d events, but not the right ones, and which cannot be told", where, got.Events)
	}
}
