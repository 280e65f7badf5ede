package apigateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

type planBody struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Throttle    *throttle   `json:"throttle,omitempty"`
	Quota       *allowance  `json:"quota,omitempty"`
	Stages      []planStage `json:"apiStages"`
}

func (p *usagePlan) shape() planBody {
	return planBody{ID: p.ID, Name: p.Name, Description: p.Description, Throttle: p.Terms.Throttle, Quota: p.Terms.Quota,
		Stages: append([]planStage{}, p.Terms.Stages...)}
}

// check says what is wrong with a plan.
func (c call) check(p *usagePlan) error {
	if p.Name == "" {
		return badRequest("Usage Plan name must not be empty")
	}
	if t := p.Terms.Throttle; t != nil {
		if err := t.check(); err != nil {
			return err
		}
	}
	if q := p.Terms.Quota; q != nil {
		switch {
		case !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, q.Period):
			return badRequest("Invalid quota period %q, want DAY, WEEK or MONTH", q.Period)
		case q.Limit < 1 || q.Offset < 0 || q.Offset > q.Limit:
			return badRequest("quota of %d requests and an offset of %d, want a limit above zero and an offset within it", q.Limit, q.Offset)
		}
	}
	for _, stage := range p.Terms.Stages {
		if api := c.s.admin.state.apis[stage.API]; api == nil || api.Stage != stage.Stage {
			return notFound("API Stage not found: %s:%s", stage.API, stage.Stage)
		}
		for method, t := range stage.Throttle {
			if !strings.HasPrefix(method, "/") || strings.LastIndex(method, "/") == 0 {
				return badRequest("throttle of %q: want /resource/METHOD", method)
			}
			if err := t.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t throttle) check() error {
	if t.Rate <= 0 || t.Burst < 1 {
		return badRequest("throttle of %v requests/s and a burst of %v, want both above zero", t.Rate, t.Burst)
	}
	return nil
}

func (c call) createPlan() (answer, error) {
	var in struct {
		Name        string      `json:"name"`
		Description string      `json:"description"`
		Throttle    *throttle   `json:"throttle"`
		Quota       *allowance  `json:"quota"`
		Stages      []planStage `json:"apiStages"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	plan := &usagePlan{ID: newID(), Name: in.Name, Description: in.Description, Created: c.s.now(), Terms: &terms{in.Throttle, in.Quota, in.Stages}}
	if err := c.check(plan); err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, plan.shape()}, c.keepPlan(plan)
}

func (c call) getPlan() (answer, error) {
	plan, err := c.plan()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, plan.shape()}, nil
}

// deletePlan frees the plan's keys, which then have no limits of their own.
func (c call) deletePlan() (answer, error) {
	plan, err := c.plan()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, struct{}{}}, c.store(func(ch *change) error {
		from := []byte(usagePrefix + plan.ID + "/")
		to := []byte(usagePrefix + plan.ID + "0") // the character after /
		return errors.Join(ch.batch.DeleteRange(from, to, nil), ch.batch.Delete([]byte(planPrefix+plan.ID), nil))
	}, func(s *state) { delete(s.plans, plan.ID) })
}

func (c call) keepPlan(plan *usagePlan) error {
	return c.store(func(ch *change) error { return ch.set(planPrefix+plan.ID, plan) },
		func(s *state) { s.plans[plan.ID] = plan })
}

func (c call) listPlans() (answer, error) {
	var all []planBody
	for _, plan := range c.s.admin.state.plans {
		if id := c.query("keyId"); id == "" || slices.Contains(plan.Keys, id) {
			all = append(all, plan.shape())
		}
	}
	slices.SortFunc(all, func(a, b planBody) int { return strings.Compare(a.ID, b.ID) })
	part, position, err := page(c, all, func(p planBody) string { return p.ID })
	return answer{http.StatusOK, list[planBody]{part, position}}, err
}

type planKeyBody struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

func (c call) plan() (*usagePlan, error) {
	plan := c.s.admin.state.plans[c.ids[0]]
	if plan == nil {
		return nil, notFound("Invalid Usage Plan ID specified")
	}
	return plan, nil
}

// planOf is the plan that a key is under, nil if none.
func (c call) planOf(key string) *usagePlan {
	for _, plan := range c.s.admin.state.plans {
		if slices.Contains(plan.Keys, key) {
			return plan
		}
	}
	return nil
}

// without is the plan without a key.
func (p *usagePlan) without(key string) *usagePlan {
	next := *p
	next.Keys = slices.DeleteFunc(slices.Clone(p.Keys), func(id string) bool { return id == key })
	return &next
}

// planKey finds a key under a plan.
func (c call) planKey() (*usagePlan, *apiKey, error) {
	plan, err := c.plan()
	if err != nil {
		return nil, nil, err
	}
	key := c.s.admin.state.keys[c.ids[1]]
	if key == nil || !slices.Contains(plan.Keys, key.ID) {
		return nil, nil, notFound("Invalid API Key identifier specified")
	}
	return plan, key, nil
}

func (c call) getPlanKey() (answer, error) {
	_, key, err := c.planKey()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, planKeyBody{key.ID, "API_KEY", key.Name}}, nil
}

func (c call) deletePlanKey() (answer, error) {
	plan, key, err := c.planKey()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, struct{}{}}, c.keepPlan(plan.without(key.ID))
}

// addPlanKey puts a key under a plan. A key has one plan here.
func (c call) addPlanKey() (answer, error) {
	plan, err := c.plan()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		KeyID   string `json:"keyId"`
		KeyType string `json:"keyType"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	key := c.s.admin.state.keys[in.KeyID]
	if key == nil || in.KeyType != "API_KEY" {
		return answer{}, notFound("Invalid API Key identifier specified")
	}
	if other := c.planOf(in.KeyID); other != nil {
		return answer{}, conflict("Usage Plan %s has the key already", other.ID)
	}
	next := *plan
	next.Keys = append(slices.Clone(plan.Keys), in.KeyID)
	return answer{http.StatusCreated, planKeyBody{key.ID, "API_KEY", key.Name}}, c.keepPlan(&next)
}

func (c call) listPlanKeys() (answer, error) {
	plan, err := c.plan()
	if err != nil {
		return answer{}, err
	}
	var all []planKeyBody
	for _, id := range plan.Keys {
		if key := c.s.admin.state.keys[id]; key != nil {
			all = append(all, planKeyBody{id, "API_KEY", key.Name})
		}
	}
	slices.SortFunc(all, func(a, b planKeyBody) int { return strings.Compare(a.ID, b.ID) })
	part, position, err := page(c, all, func(k planKeyBody) string { return k.ID })
	return answer{http.StatusOK, list[planKeyBody]{part, position}}, err
}
