package apigateway

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// patch is one operation of an update.
type patch struct{ Op, Path, Value string }

// updatePlan applies patch operations
// (https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html). New terms begin with
// full buckets; what was used of a quota stays used.
func (c call) updatePlan() (answer, error) {
	plan, err := c.plan()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		PatchOperations []patch `json:"patchOperations"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	next := *plan
	changed := *plan.Terms
	next.Terms = &changed
	for _, p := range in.PatchOperations {
		if err := next.patch(p); err != nil {
			return answer{}, err
		}
	}
	if err := c.check(&next); err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, next.shape()}, c.keepPlan(&next)
}

// patch applies one operation to a plan whose terms nobody else has.
func (p *usagePlan) patch(op patch) error {
	steps := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
	for i := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[i])
	}
	invalid := badRequest("Invalid patch operation %s of %q", op.Op, op.Path)
	switch {
	case op.Path == "/name" && op.Op == "replace":
		p.Name = op.Value
	case op.Path == "/description" && op.Op == "replace":
		p.Description = op.Value
	case op.Path == "/throttle" && op.Op == "remove":
		p.Terms.Throttle = nil
	case op.Path == "/quota" && op.Op == "remove":
		p.Terms.Quota = nil
	case steps[0] == "throttle" && len(steps) == 2 && op.Op == "replace":
		var t throttle
		if p.Terms.Throttle != nil {
			t = *p.Terms.Throttle
		}
		p.Terms.Throttle = &t
		return t.patch(steps[1], op)
	case steps[0] == "quota" && len(steps) == 2 && op.Op == "replace":
		return p.Terms.patchQuota(steps[1], op)
	case op.Path == "/apiStages":
		return p.Terms.patchStages(op)
	case steps[0] == "apiStages" && len(steps) >= 4 && steps[2] == "throttle":
		return p.Terms.patchMethod(steps[1], steps[3:], op)
	default:
		return invalid
	}
	return nil
}

func (t *throttle) patch(field string, op patch) error {
	n, err := strconv.ParseFloat(op.Value, 64)
	switch {
	case err != nil:
		return badRequest("Invalid value %q of %q", op.Value, op.Path)
	case field == "rateLimit":
		t.Rate = n
	case field == "burstLimit":
		t.Burst = n
	default:
		return badRequest("Invalid patch path %q", op.Path)
	}
	return nil
}

func (t *terms) patchQuota(field string, op patch) error {
	var q allowance
	if t.Quota != nil {
		q = *t.Quota
	}
	t.Quota = &q
	if field == "period" {
		q.Period = op.Value
		return nil
	}
	n, err := strconv.ParseInt(op.Value, 10, 64)
	switch {
	case err != nil:
		return badRequest("Invalid value %q of %q", op.Value, op.Path)
	case field == "limit":
		q.Limit = n
	case field == "offset":
		q.Offset = n
	default:
		return badRequest("Invalid patch path %q", op.Path)
	}
	return nil
}

// patchStages adds or removes the stage that a value names as api:stage.
func (t *terms) patchStages(op patch) error {
	api, stage, ok := strings.Cut(op.Value, ":")
	at := slices.IndexFunc(t.Stages, func(s planStage) bool { return s.API == api && s.Stage == stage })
	switch {
	case !ok:
		return badRequest("Invalid API stage %q, want api:stage", op.Value)
	case op.Op == "add" && at < 0:
		t.Stages = append(slices.Clone(t.Stages), planStage{API: api, Stage: stage})
	case op.Op == "remove" && at >= 0:
		t.Stages = slices.Delete(slices.Clone(t.Stages), at, at+1)
	default:
		return badRequest("Invalid patch operation %s of API stage %q", op.Op, op.Value)
	}
	return nil
}

// patchMethod changes the throttle of one method of a stage: of rest, the first is
// /resource/METHOD, with its slashes escaped, or the resource, which the method follows; perhaps
// rateLimit or burstLimit comes last.
func (t *terms) patchMethod(named string, rest []string, op patch) error {
	field := ""
	if last := len(rest) - 1; rest[last] == "rateLimit" || rest[last] == "burstLimit" {
		field, rest = rest[last], rest[:last]
	}
	method := strings.Join(rest, "/")
	api, stage, _ := strings.Cut(named, ":")
	at := slices.IndexFunc(t.Stages, func(s planStage) bool { return s.API == api && s.Stage == stage })
	if at < 0 || method == "" {
		return badRequest("Invalid patch path %q", op.Path)
	}
	t.Stages = slices.Clone(t.Stages)
	methods := maps.Clone(t.Stages[at].Throttle)
	if methods == nil {
		methods = map[string]throttle{}
	}
	t.Stages[at].Throttle = methods
	switch {
	case op.Op == "remove" && field == "":
		delete(methods, method)
		return nil
	case op.Op == "replace" && field != "" || op.Op == "add" && field != "":
		limits := methods[method]
		err := limits.patch(field, op)
		methods[method] = limits
		return err
	}
	return badRequest("Invalid patch operation %s of %q", op.Op, op.Path)
}
