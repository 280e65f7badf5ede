package stack

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agw "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// UsagePlan is what the API keys of one of the platform's plans may ask of the gateway, each key
// by itself. Bearer tokens and signed webhooks come without a key, hence without a plan.
type UsagePlan struct {
	Name       string  // as in [Tenant.Plan]
	Rate       float64 // requests/s
	Burst      int     // requests
	DailyQuota int     // requests; 0: no quota
}

// UsagePlans are the platform's own. At 20 times the peak (833 batches/s of 2,400 tenants) a mean
// tenant sends 0.35 requests/s and the largest some 25: each plan lets its tenants send a hundred
// times that, so that a plan stops a client that has gone wild and nobody else.
func UsagePlans() []UsagePlan {
	return []UsagePlan{
		{Name: "starter", Rate: 100, Burst: 200},      // below the mean tenant
		{Name: "growth", Rate: 500, Burst: 1000},      // 1 to 5 times the mean
		{Name: "enterprise", Rate: 2000, Burst: 4000}, // above that
	}
}

// usagePlans creates the plans or brings them up to date, and returns their ids by name.
func (d *deployment) usagePlans(ctx context.Context) (map[string]string, error) {
	ids, there := map[string]string{}, map[string]UsagePlan{}
	existing, err := d.clients.APIGateway.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)})
	if err != nil {
		return nil, named("list", "usage plans", err)
	}
	for _, plan := range existing.Items {
		ids[*plan.Name] = *plan.Id
		is := UsagePlan{Name: *plan.Name}
		if t := plan.Throttle; t != nil {
			is.Rate, is.Burst = t.RateLimit, int(t.BurstLimit)
		}
		if q := plan.Quota; q != nil && q.Period == agw.QuotaPeriodTypeDay && q.Offset == 0 {
			is.DailyQuota = int(q.Limit)
		}
		there[*plan.Name] = is
	}
	for _, p := range d.cfg.Plans {
		if id, ok := ids[p.Name]; ok {
			if there[p.Name] != p { // what does not differ is not written
				if err := d.updatePlan(ctx, id, p); err != nil {
					return nil, named("update usage plan", p.Name, err)
				}
			}
			continue
		}
		in := &apigateway.CreateUsagePlanInput{Name: &p.Name, Throttle: &agw.ThrottleSettings{RateLimit: p.Rate, BurstLimit: int32(p.Burst)}}
		if p.DailyQuota > 0 {
			in.Quota = &agw.QuotaSettings{Limit: int32(p.DailyQuota), Period: agw.QuotaPeriodTypeDay}
		}
		made, err := d.clients.APIGateway.CreateUsagePlan(ctx, in)
		if err != nil {
			return nil, named("create usage plan", p.Name, err)
		}
		ids[p.Name] = *made.Id
	}
	return ids, nil
}

func (d *deployment) updatePlan(ctx context.Context, id string, p UsagePlan) error {
	replace := func(path, value string) agw.PatchOperation {
		return agw.PatchOperation{Op: agw.OpReplace, Path: &path, Value: &value}
	}
	changes := []agw.PatchOperation{
		replace("/throttle/rateLimit", strconv.FormatFloat(p.Rate, 'f', -1, 64)),
		replace("/throttle/burstLimit", strconv.Itoa(p.Burst)),
	}
	if p.DailyQuota > 0 {
		changes = append(changes, replace("/quota/limit", strconv.Itoa(p.DailyQuota)), replace("/quota/offset", "0"), replace("/quota/period", "DAY"))
	} else {
		changes = append(changes, agw.PatchOperation{Op: agw.OpRemove, Path: aws.String("/quota")})
	}
	_, err := d.clients.APIGateway.UpdateUsagePlan(ctx, &apigateway.UpdateUsagePlanInput{UsagePlanId: &id, PatchOperations: changes})
	return err
}
