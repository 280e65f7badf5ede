package api_test

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
)

func document(t *testing.T) *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	require.NoError(t, err)
	return doc
}

func TestDocumentIsValid(t *testing.T) {
	require.NoError(t, document(t).Validate(context.Background(), openapi3.EnableExamplesValidation()))
}

func TestEveryOperationNamesItsFunction(t *testing.T) {
	functions := map[string]int{}
	for path, item := range document(t).Paths.Map() {
		require.True(t, strings.HasPrefix(path, "/v1/tenants/{tenant}/"), path)
		for method, operation := range item.Operations() {
			require.NotEmpty(t, operation.OperationID, "%s %s", method, path)
			require.NotEmpty(t, operation.Summary, "%s %s", method, path)
			integration, ok := operation.Extensions["x-amazon-apigateway-integration"].(map[string]any)
			require.True(t, ok, "%s %s", method, path)
			require.Equal(t, "aws_proxy", integration["type"])
			_, arn, _ := strings.Cut(integration["uri"].(string), "/functions/")
			name, alias, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(arn, "arn:aws:lambda:us-east-1:000000000000:function:"), "/invocations"), ":")
			require.Equal(t, "live", alias)
			functions[name]++
		}
	}
	require.Equal(t, map[string]int{"ingest-events": 1, "ingest-webhooks": 4, "query-analytics": 5}, functions)
}

// TestStructsAndSchemasAgree holds the names of JSON fields, and whether they may be absent,
// against the document, in both directions.
func TestStructsAndSchemasAgree(t *testing.T) {
	doc := document(t)
	for name, value := range map[string]any{
		"CloudEvent": api.CloudEvent{}, "ProductData": api.ProductData{}, "InventoryData": api.InventoryData{},
		"OrderData": api.OrderData{}, "OrderLine": api.OrderLineData{}, "CustomerData": api.CustomerData{},
		"EventResult": api.EventResult{}, "BatchAnswer": api.BatchAnswer{}, "Turnover": api.Turnover{}, "Summary": api.Summary{},
		"Series": api.Series{}, "Point": api.Point{}, "TopProducts": api.TopProducts{}, "ProductSales": api.ProductSales{},
		"OrderHistory": api.OrderHistory{}, "Transition": api.Transition{}, "StockLevel": api.StockLevel{},
	} {
		var fields, required []string
		kind := reflect.TypeOf(value)
		for i := range kind.NumField() {
			field, options, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			fields = append(fields, field)
			if !strings.Contains(options, "omit") {
				required = append(required, field)
			}
		}
		schema := doc.Components.Schemas[name].Value
		require.ElementsMatch(t, fields, slices.Collect(maps.Keys(schema.Properties)), name)
		require.ElementsMatch(t, required, schema.Required, name)
	}
}

func TestValuesPassTheirSchemas(t *testing.T) {
	doc := document(t)
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	turnover := []api.Turnover{{Currency: "EUR", Orders: 1, Net: -3}}
	for name, value := range map[string]any{
		"Summary":     api.Summary{Tenant: "t", From: at, To: at, IDs: api.Sum128{}.String(), ByType: map[string]int64{"order.paid": 1}, Currencies: turnover, AsOf: at},
		"Series":      api.Series{Interval: "day", Points: []api.Point{{Start: at, Currencies: turnover}}},
		"TopProducts": api.TopProducts{By: "views", Products: []api.ProductSales{{SKU: "A"}}},
		"BatchAnswer": api.BatchAnswer{Refused: 1, Results: []api.EventResult{{Index: 0, Status: 400, Code: "time_out_of_range"}}},
		"CloudEvent": api.CloudEvent{SpecVersion: "1.0", ID: api.NewID(at, [10]byte{}).String(), Source: "/x", Type: "order.created", Time: at,
			Data: json.RawMessage(`{"order":"1","currency":"EUR","lines":[{"sku":"A","quantity":-1,"unit_price":"0.001"}]}`)},
	} {
		raw, err := json.Marshal(value)
		require.NoError(t, err)
		var plain any
		require.NoError(t, json.Unmarshal(raw, &plain))
		require.NoError(t, doc.Components.Schemas[name].Value.VisitJSON(plain, openapi3.EnableFormatValidation()), "%s: %s", name, raw)
	}
}

func TestDocumentListsEveryEventType(t *testing.T) {
	listed := document(t).Components.Schemas["CloudEvent"].Value.Properties["type"].Value.Enum
	require.Len(t, listed, len(api.EventType_name)-1)
	for _, name := range listed {
		_, err := api.ParseType(name.(string))
		require.NoError(t, err)
	}
}
