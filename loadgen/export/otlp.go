package export

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// otlp pushes through OpenTelemetry's own exporter.
type otlp struct {
	*pusher
	exporter metric.Exporter
	provider *metric.MeterProvider
}

func openOTLP(ctx context.Context, u *url.URL, m *Metrics) (Exporter, error) {
	if u.Path == "" {
		u.Path = "/v1/metrics"
	}
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(u.String()), otlpmetrichttp.WithTimeout(pushFor),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: false}))
	if err != nil {
		return nil, fmt.Errorf("open OTLP exporter: %w", err)
	}
	reader := metric.NewManualReader(metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(m.registry))))
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(resource.NewSchemaless(attribute.String("service.name", "stampede"))))
	p, err := openPusher(ctx, pushEach, func(ctx context.Context) error {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(ctx, &all); err != nil {
			return fmt.Errorf("collect metrics: %w", err)
		}
		return exporter.Export(ctx, &all)
	})
	if err != nil {
		return nil, errors.Join(err, provider.Shutdown(ctx), exporter.Shutdown(ctx))
	}
	return &otlp{p, exporter, provider}, nil
}

// Close pushes the last figures and ends the exporter.
func (o *otlp) Close(ctx context.Context) error {
	return errors.Join(o.pusher.Close(ctx), o.provider.Shutdown(ctx), o.exporter.Shutdown(ctx))
}
