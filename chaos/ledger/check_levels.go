package ledger

import "time"

// checkLevels compares hours and days. A bucket is right if it is what its events come to, and
// forgiven if it is what the levels below say: then the error is theirs.
func (r *reconciliation) checkLevels() {
	hours, days := r.finding(CheckHours), r.finding(CheckDays)
	if !r.eventsRead {
		return
	}
	if r.hours != nil && r.minutes != nil {
		due := map[span]bool{}
		for i := range r.truthful {
			m := &r.truthful[i]
			due[span{m.tenant, m.start - m.start%60, m.start - m.start%60 + 60}] = true
		}
		r.checkLevel(hours, r.hours, nil, due, func(b *bucket) span { return span{b.tenant, b.start, b.start + 60} })
	}
	if r.days != nil && r.minutes != nil {
		due := map[span]bool{}
		for i := range r.truthful {
			due[r.dayOf(r.truthful[i].tenant, r.truthful[i].start)] = true
		}
		r.checkLevel(days, r.days, r.hours, due, func(b *bucket) span { return r.dayOf(b.tenant, b.start) })
	}
}

// span is a tenant's time from and to, in minutes since the epoch.
type span struct {
	tenant   uint32
	from, to int64
}

// dayOf is the tenant's day around a minute.
func (r *reconciliation) dayOf(tenant uint32, minute int64) span {
	zone := r.zone(tenant)
	y, m, d := time.Unix(minute*60, 0).In(zone).Date()
	return span{tenant, time.Date(y, m, d, 0, 0, 0, 0, zone).Unix() / 60, time.Date(y, m, d+1, 0, 0, 0, 0, zone).Unix() / 60}
}

func (r *reconciliation) checkLevel(f *finding, level, hours buckets, due map[span]bool, of func(*bucket) span) {
	for i := range level {
		b := &level[i]
		s := of(b)
		delete(due, s)
		f.Compared++
		if s.from != b.start {
			f.bad(1, "tenant %s has a bucket from %s, inside of the one from %s", r.tenants.text[b.tenant], timeOf(b.start), timeOf(s.from))
			continue
		}
		if want := r.truthIn(s); !want.equal(&b.Figures) && !r.forgiven(s, hours, &b.Figures) {
			f.bad(1, "tenant %s %s: %s", r.tenants.text[b.tenant], timeOf(b.start), want.difference(&b.Figures))
		}
	}
	for s := range due {
		if r.options.AsOf.IsZero() || timeAt(s.to).Add(r.options.Settle).After(r.options.AsOf) {
			continue // not due to be closed yet
		}
		f.Compared++
		if none := (Figures{}); !r.forgiven(s, hours, &none) {
			want := r.truthIn(s)
			f.bad(1, "tenant %s %s is missing: %d events", r.tenants.text[s.tenant], timeOf(s.from), want.Events)
		}
	}
}

// truthIn is what the events of a span come to.
func (r *reconciliation) truthIn(s span) Figures { return r.truthful.sum(s.tenant, s.from, s.to) }

// forgiven says whether figures repeat what is stored below: the span's minutes, or its hours
// with minutes at the edges. hours is nil for a level that does not stand on them.
func (r *reconciliation) forgiven(s span, hours buckets, got *Figures) bool {
	if below := r.minutes.sum(s.tenant, s.from, s.to); below.equal(got) {
		return true
	}
	below := r.mixed(s, hours)
	return below.equal(got)
}

// mixed adds up stored hours that lie inside of the span, and minutes where there is none.
func (r *reconciliation) mixed(s span, hours buckets) Figures {
	var f Figures
	from := s.from
	for at := (s.from + 59) / 60 * 60; at+60 <= s.to; at += 60 {
		hour := hours.get(s.tenant, at)
		if hour == nil {
			continue
		}
		part := r.minutes.sum(s.tenant, from, at)
		f.plus(&part)
		f.plus(&hour.Figures)
		from = at + 60
	}
	part := r.minutes.sum(s.tenant, from, s.to)
	f.plus(&part)
	return f
}
