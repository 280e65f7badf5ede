package ledger

import (
	"context"
	"fmt"
)

// checkAnswers compares what the API says with the truth. An answer that only repeats what is
// stored below is forgiven; one that shows another tenant's figures is called so.
func (r *reconciliation) checkAnswers(ctx context.Context, rows Rows[Answer]) error {
	f := r.finding(CheckAnswers)
	if !r.eventsRead || rows == nil {
		return nil
	}
	err := rows(ctx, func(a Answer) error {
		f.Compared++
		s := span{r.tenants.of(a.Tenant), a.Summary.From.Unix() / 60, a.Summary.To.Unix() / 60}
		where := fmt.Sprintf("tenant %s %s to %s", a.Tenant, timeOf(s.from), timeOf(s.to))
		got, err := FiguresOf(&a.Summary)
		switch {
		case err != nil:
			f.bad(1, "%s: %v", where, err)
			return nil
		case a.Summary.Tenant != a.Tenant:
			f.bad(1, "%s: the answer is for tenant %q", where, a.Summary.Tenant)
			return nil
		case !a.From.IsZero() && !a.From.Equal(a.Summary.From), !a.To.IsZero() && !a.To.Equal(a.Summary.To):
			f.bad(1, "%s: %s to %s was asked for", where, timeOf(a.From.Unix()/60), timeOf(a.To.Unix()/60))
			return nil
		}
		want := r.truthIn(s)
		if want.equal(&got) || r.minutes != nil && r.forgiven(s, r.hours, &got) || r.ofDay(s, &got) {
			return nil
		}
		if other := r.whose(s, &got); other != "" {
			f.bad(1, "%s: shows the figures of tenant %s", where, other)
			return nil
		}
		f.bad(1, "%s: %s", where, want.difference(&got))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	return nil
}

// ofDay says whether figures repeat the stored day of the span.
func (r *reconciliation) ofDay(s span, got *Figures) bool {
	day := r.days.get(s.tenant, s.from)
	return day != nil && r.dayOf(s.tenant, s.from) == s && day.Figures.equal(got)
}

// whose finds the other tenant whose events, stored minutes or day come to the figures.
func (r *reconciliation) whose(s span, got *Figures) string {
	if got.empty() {
		return ""
	}
	last := s.tenant
	for i := range r.truthful {
		t := r.truthful[i].tenant
		if t == s.tenant || t == last {
			continue
		}
		last = t
		other := r.truthful.sum(t, s.from, s.to)
		stored := r.minutes.sum(t, s.from, s.to)
		if other.equal(got) || stored.equal(got) {
			return r.tenants.text[t]
		}
	}
	return ""
}
