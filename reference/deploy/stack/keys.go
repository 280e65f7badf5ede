package stack

import (
	"bytes"
	"context"
	"encoding/csv"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agw "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"golang.org/x/sync/errgroup"
)

// keys imports the tenants' API keys, each under its usage plan of these, by name: one call for all.
// Keys that were there before are moved to their plans one by one.
func (d *deployment) keys(ctx context.Context, plans map[string]string) error {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write([]string{"name", "key", "description", "enabled", "usageplanIds"})
	wanted := map[string]string{} // plan's id by key's value
	for _, t := range d.cfg.Tenants {
		if t.APIKey != "" {
			_ = w.Write([]string{t.ID, t.APIKey, "events of " + t.ID, "true", plans[t.Plan]})
			wanted[t.APIKey] = plans[t.Plan]
		}
	}
	w.Flush()
	if len(wanted) == 0 {
		return nil
	}
	imported, err := d.clients.APIGateway.ImportApiKeys(ctx, &apigateway.ImportApiKeysInput{Body: file.Bytes(), Format: agw.ApiKeysFormatCsv})
	switch {
	case exists(err, "ConflictException"):
	case err != nil:
		return named("import", "API keys", err)
	case len(imported.Warnings) == 0:
		return nil // all are new
	}
	return d.replan(ctx, plans, wanted)
}

// replan puts every key under the plan that is wanted for its value, "" for none; keys of others
// stay where they are.
func (d *deployment) replan(ctx context.Context, plans, wanted map[string]string) error {
	ids := map[string]string{} // by value
	keys := apigateway.NewGetApiKeysPaginator(d.clients.APIGateway, &apigateway.GetApiKeysInput{IncludeValues: aws.Bool(true), Limit: aws.Int32(500)})
	for keys.HasMorePages() {
		page, err := keys.NextPage(ctx)
		if err != nil {
			return named("list", "API keys", err)
		}
		for _, key := range page.Items {
			ids[*key.Value] = *key.Id
		}
	}
	has := map[string]string{} // plan's id by key's id
	for _, plan := range slices.Sorted(maps.Values(plans)) {
		under := apigateway.NewGetUsagePlanKeysPaginator(d.clients.APIGateway, &apigateway.GetUsagePlanKeysInput{UsagePlanId: &plan, Limit: aws.Int32(500)})
		for under.HasMorePages() {
			page, err := under.NextPage(ctx)
			if err != nil {
				return named("list keys of usage plan", plan, err)
			}
			for _, key := range page.Items {
				has[*key.Id] = plan
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for value, plan := range wanted {
		if id := ids[value]; has[id] != plan {
			g.Go(func() error { return d.move(ctx, id, has[id], plan) })
		}
	}
	return g.Wait()
}

// move takes a key from one plan to another; "" is none.
func (d *deployment) move(ctx context.Context, key, from, to string) error {
	if from != "" {
		if _, err := d.clients.APIGateway.DeleteUsagePlanKey(ctx, &apigateway.DeleteUsagePlanKeyInput{UsagePlanId: &from, KeyId: &key}); err != nil {
			return named("take key from usage plan", from, err)
		}
	}
	if to != "" {
		if _, err := d.clients.APIGateway.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &to, KeyId: &key, KeyType: aws.String("API_KEY")}); err != nil {
			return named("put key under usage plan", to, err)
		}
	}
	return nil
}
