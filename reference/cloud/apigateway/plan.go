package apigateway

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/quota"
)

// usagePlan limits each of its keys by itself.
type usagePlan struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created,omitzero"`
	Terms       *terms    `json:"terms"` // never changed in place: an update replaces them
	Keys        []string  `json:"keys,omitempty"`
}

// terms are what a plan allows. Nil fields allow anything.
type terms struct {
	Throttle *throttle   `json:"throttle,omitempty"`
	Quota    *allowance  `json:"quota,omitempty"`
	Stages   []planStage `json:"stages,omitempty"` // none: all APIs, which is this project's own reading
}

// throttle is a token bucket of requests.
type throttle struct {
	Rate  float64 `json:"rateLimit"`  // requests/s
	Burst float64 `json:"burstLimit"` // requests
}

// allowance is a quota: requests in a period. Source:
// https://docs.aws.amazon.com/apigateway/latest/api/API_QuotaSettings.html
type allowance struct {
	Limit  int64  `json:"limit"`
	Offset int64  `json:"offset"` // requests subtracted in the period in which the plan was made
	Period string `json:"period"` // DAY, WEEK or MONTH
}

// planStage is an API's stage under a plan, with throttles of single methods by "/resource/METHOD".
type planStage struct {
	API      string              `json:"apiId"`
	Stage    string              `json:"stage"`
	Throttle map[string]throttle `json:"throttle,omitempty"`
}

// period is when the quota's period began and ends. AWS does not say when; here it is at midnight
// UTC, of Monday or the first where it is a week or a month.
func (a *allowance) period(now time.Time) (from, to time.Time) {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch a.Period {
	case "WEEK":
		from = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return from, from.AddDate(0, 0, 7)
	case "MONTH":
		from = day.AddDate(0, 0, 1-day.Day())
		return from, from.AddDate(0, 1, 0)
	}
	return day, day.AddDate(0, 0, 1)
}

// allowed is the limit in the period that begins at from, of a plan made at created.
func (a *allowance) allowed(from, created time.Time) int64 {
	if !created.Before(from) {
		return max(a.Limit-a.Offset, 0)
	}
	return a.Limit
}

// usage is what a key has used of its quota, durable but for the last moments before a crash.
type usage struct {
	From time.Time `json:"from"` // of the period that Used counts in
	Used int64     `json:"used"`
}

// meter is a key's share of its usage plan. The service's throttle lock guards it.
type meter struct {
	plan    *usagePlan
	key     string // id
	bucket  *quota.TokenBucket
	methods map[string]*methodMeter // by API id and "/resource/METHOD"
	used    usage
}

type methodMeter struct {
	throttle throttle
	bucket   quota.TokenBucket
}

func newMeter(plan *usagePlan, key string, used usage) *meter {
	m := &meter{plan: plan, key: key, used: used, methods: map[string]*methodMeter{}}
	if t := plan.Terms.Throttle; t != nil {
		bucket := quota.NewTokenBucket(t.Rate, t.Burst)
		m.bucket = &bucket
	}
	for _, stage := range plan.Terms.Stages {
		for method, t := range stage.Throttle {
			m.methods[stage.API+method] = &methodMeter{t, quota.NewTokenBucket(t.Rate, t.Burst)}
		}
	}
	return m
}

// covers says whether the plan speaks of an API's stage.
func (t *terms) covers(api *deployedAPI) bool {
	for _, stage := range t.Stages {
		if stage.API == api.id && stage.Stage == api.stage {
			return true
		}
	}
	return len(t.Stages) == 0
}

// refusal is a limit of a plan that was hit.
type refusal struct {
	quota   bool
	name    string // of the limit
	allowed string
	source  string
	wait    time.Duration
}

// take counts a request to a route; a refused one counts nowhere. From the narrowest limit to the
// widest, as AWS applies them
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html).
func (m *meter) take(now time.Time, api *deployedAPI, r *route) *refusal {
	if !m.plan.Terms.covers(api) {
		return nil
	}
	name := "usage plan " + m.plan.Name
	method := m.methods[api.id+r.resource+"/"+r.method]
	if method != nil && !method.bucket.Allow(now, 1) {
		return &refusal{name: name + ", " + r.method + " " + r.resource, allowed: perSecond(method.throttle.Rate, method.throttle.Burst), source: throttling, wait: method.bucket.RetryAfter(now, 1)}
	}
	if m.bucket != nil && !m.bucket.Allow(now, 1) {
		if method != nil {
			method.bucket.Give(1)
		}
		t := m.plan.Terms.Throttle
		return &refusal{name: name, allowed: perSecond(t.Rate, t.Burst), source: throttling, wait: m.bucket.RetryAfter(now, 1)}
	}
	if q := m.plan.Terms.Quota; q != nil {
		from, to := q.period(now)
		if !m.used.From.Equal(from) {
			m.used = usage{From: from}
		}
		limit := q.allowed(from, m.plan.Created)
		if m.used.Used >= limit {
			if method != nil {
				method.bucket.Give(1)
			}
			if m.bucket != nil {
				m.bucket.Give(1)
			}
			return &refusal{quota: true, name: name + ", quota", allowed: strconv.FormatInt(limit, 10) + " requests a " + q.Period, source: planQuotas, wait: to.Sub(now)}
		}
		m.used.Used++
	}
	return nil
}

// keepUsage writes what a key has used, without waiting for the disk: AWS promises no exactness
// either.
func (s *Service) keepUsage(m *meter) {
	raw, err := json.Marshal(m.used)
	if err == nil {
		err = s.db.Set([]byte(usagePrefix+m.plan.ID+"/"+m.key), raw, pebble.NoSync)
	}
	if err != nil {
		s.log.Warn("usage_not_kept", "plan", m.plan.ID, "key", m.key, "error", err)
	}
}

// metersOf makes the meters of all keys under a plan. Those whose terms did not change keep their
// level.
func (s *Service) metersOf(plans map[string]*usagePlan, before *serving) map[string]*meter {
	next := map[string]*meter{}
	s.throttle.Lock()
	defer s.throttle.Unlock()
	old := map[string]*meter{}
	if before != nil {
		old = before.meters
	}
	for id, m := range old { // a key that leaves its plan and comes back has used what it had
		s.admin.state.usage[m.plan.ID+"/"+id] = m.used
	}
	for _, plan := range plans {
		for _, id := range plan.Keys {
			if m := old[id]; m != nil && m.plan.ID == plan.ID && m.plan.Terms == plan.Terms {
				m.plan = plan
				next[id] = m
			} else {
				next[id] = newMeter(plan, id, s.admin.state.usage[plan.ID+"/"+id])
			}
		}
	}
	return next
}
