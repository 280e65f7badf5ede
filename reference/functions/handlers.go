package functions

import (
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/retailflow/stampede/reference/functions/ingestion"
	"github.com/retailflow/stampede/reference/functions/processing"
	"github.com/retailflow/stampede/reference/functions/reporting"
)

// Handler is a function: its name, which is the Lambda function's too, and how to make it.
type Handler struct {
	Name string
	New  func(*Platform) (lambda.Handler, error)
}

// Handlers lists the functions of the reference. The slice is the caller's.
func Handlers() []Handler {
	return []Handler{
		{"ingest-events", NewIngestEvents},
		{"ingest-webhooks", NewIngestWebhooks},
		{"process-products", NewProcess},
		{"process-orders", NewProcess},
		{"process-customers", NewProcess},
		{"process-insights", NewProcessInsights},
		{"query-analytics", NewQueryAnalytics},
	}
}

// IngestionOptions are the options of both ingesting functions, delivering to client.
func IngestionOptions(p *Platform, client ingestion.Firehose) ingestion.Options {
	return ingestion.Options{Delivery: ingestion.NewDelivery(client, p.Env.Streams), Version: p.Env.Version,
		MaxBack: p.Env.EventMaxBack, Log: p.Log}
}

// NewIngestEvents makes ingest-events.
func NewIngestEvents(p *Platform) (lambda.Handler, error) {
	return ingestion.NewEvents(IngestionOptions(p, p.Firehose()))
}

// NewIngestWebhooks makes ingest-webhooks.
func NewIngestWebhooks(p *Platform) (lambda.Handler, error) {
	return ingestion.NewWebhooks(IngestionOptions(p, p.Firehose()),
		ingestion.Table{Client: p.DynamoDB(Quick), Name: p.Env.CoreTable})
}

// NewProcess makes process-products, process-orders and process-customers.
func NewProcess(p *Platform) (lambda.Handler, error) {
	process := processing.NewProcess(processing.ProcessOptions{DB: p.DynamoDB(Patient), Objects: p.S3(Patient),
		Tables: tables(p), Version: p.Env.Version, Log: p.Log})
	return lambda.NewHandler(process.Handle), nil
}

// NewProcessInsights makes process-insights.
func NewProcessInsights(p *Platform) (lambda.Handler, error) {
	insights := processing.NewInsights(processing.InsightsOptions{DB: p.DynamoDB(Patient), Tables: tables(p), Log: p.Log})
	return lambda.NewHandler(insights.Handle), nil
}

// NewQueryAnalytics makes query-analytics.
func NewQueryAnalytics(p *Platform) (lambda.Handler, error) {
	return reporting.NewAnalytics(reporting.Options{DB: p.DynamoDB(Quick), Core: p.Env.CoreTable,
		Analytics: p.Env.AnalyticsTable, Version: p.Env.Version, Log: p.Log})
}

func tables(p *Platform) processing.Tables {
	return processing.Tables{Core: p.Env.CoreTable, Analytics: p.Env.AnalyticsTable}
}
