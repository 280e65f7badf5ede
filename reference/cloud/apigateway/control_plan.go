package apigateway

import (
	"net/http"
	"slices"
	"strings"
)

type throttleBody struct {
	RateLimit  float64 `json:"rateLimit"`
	BurstLimit float64 `json:"burstLimit"`
}

type planBody struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Throttle    *throttleBody `json:"throttle,omitempty"`
}

func (p *usagePlan) shape() planBody {
	out := planBody{ID: p.ID, Name: p.Name, Description: p.Description}
	if p.Rate > 0 {
		out.Throttle = &throttleBody{p.Rate, p.Burst}
	}
	return out
}

func (c call) createPlan() (answer, error) {
	var in struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Throttle    *throttleBody `json:"throttle"`
		Quota       any           `json:"quota"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	switch {
	case in.Name == "":
		return answer{}, badRequest("Usage Plan name must not be empty")
	case in.Quota != nil:
		return answer{}, badRequest("quotas of usage plans are not served here")
	}
	plan := &usagePlan{ID: newID(), Name: in.Name, Description: in.Description}
	if in.Throttle != nil {
		plan.Rate, plan.Burst = in.Throttle.RateLimit, in.Throttle.BurstLimit
		if plan.Rate <= 0 || plan.Burst < 1 {
			return answer{}, badRequest("throttle of %v requests/s and a burst of %v, want both above zero", plan.Rate, plan.Burst)
		}
	}
	return answer{http.StatusCreated, plan.shape()}, c.keepPlan(plan)
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
	for _, other := range c.s.admin.state.plans {
		if slices.Contains(other.Keys, in.KeyID) {
			return answer{}, conflict("Usage Plan %s has the key already", other.ID)
		}
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
