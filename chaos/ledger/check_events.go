package ledger

import "github.com/retailflow/stampede/reference/api"

// checkEvents walks through what was sent and what is present side by side.
func (r *reconciliation) checkEvents() {
	lost, phantom := r.finding(CheckLost), r.finding(CheckPhantom)
	refused, content := r.finding(CheckRefused), r.finding(CheckContent)
	s, i := r.sent, 0
	for at := 0; i < len(s) || at < len(r.present.first); {
		var order int
		switch {
		case i == len(s):
			order = 1
		case at == len(r.present.first):
			order = -1
		default:
			order = byTenantAndID(&s[i].fact, &r.present.at(at).fact)
		}
		group := i // what was sent under one id: several contents in case of a conflict
		for order <= 0 && i < len(s) && byTenantAndID(&s[group].fact, &s[i].fact) == 0 {
			i++
		}
		if order <= 0 && s[group].state == Acked {
			lost.Compared++
		}
		if order < 0 {
			if e := &s[group]; e.state == Acked && !r.parked[e.id] {
				lost.bad(1, "%s was accepted and is in no block", r.name(&e.fact))
			}
			continue
		}
		e := r.present.at(at)
		at++
		phantom.Compared++
		if order > 0 {
			r.report.PresentOf[0]++
			phantom.bad(1, "%s was never sent", r.name(&e.fact))
			continue
		}
		state := s[group].state
		r.report.PresentOf[state]++
		refused.Compared++
		if state == Refused {
			refused.bad(1, "%s was refused", r.name(&e.fact))
		}
		content.Compared++
		same := false
		for j := group; j < i && !same; j++ {
			same = s[j].fact == e.fact
		}
		if !same {
			content.bad(1, "%s: %s", r.name(&e.fact), r.unlike(&s[group].fact, &e.fact))
		}
	}
	r.report.Present += int64(len(r.present.first))
	r.report.Duplicates += int64(len(r.present.rows) - len(r.present.first))
}

// name is how an example calls an event.
func (r *reconciliation) name(e *fact) string {
	text := "tenant " + r.tenants.text[e.tenant] + " " + e.id.String() + " " + api.EventType(e.kind).Name()
	if e.order != 0 {
		text += " " + r.names.text[e.order]
	}
	return text
}

// unlike names the first field in which two facts differ.
func (r *reconciliation) unlike(want, got *fact) string {
	for _, f := range []struct {
		what      string
		want, got int64
	}{
		{"time", want.timeMS, got.timeMS}, {"amount", want.amount, got.amount}, {"units", want.units, got.units},
		{"quantity", want.quantity, got.quantity}, {"sequence", int64(want.sequence), int64(got.sequence)},
	} {
		if f.want != f.got {
			return sprint("%s %d instead of %d", f.what, f.got, f.want)
		}
	}
	for _, f := range []struct {
		what      string
		want, got uint32
	}{
		{"currency", want.currency, got.currency}, {"order", want.order, got.order}, {"customer", want.customer, got.customer}, {"sku", want.sku, got.sku},
	} {
		if f.want != f.got {
			return sprint("%s %q instead of %q", f.what, r.names.text[f.got], r.names.text[f.want])
		}
	}
	return sprint("type %q instead of %q", api.EventType(got.kind).Name(), api.EventType(want.kind).Name())
}
