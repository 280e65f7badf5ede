package functions

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

// Environment is a function's configuration, from the variables that Lambda and the stack set.
type Environment struct {
	Function string // _HANDLER: the name in [Handlers]
	Version  string // AWS_LAMBDA_FUNCTION_VERSION
	MemoryMB int    // AWS_LAMBDA_FUNCTION_MEMORY_SIZE; 0 if it is not set

	CoreTable      string                // CORE_TABLE
	AnalyticsTable string                // ANALYTICS_TABLE
	RawBucket      string                // RAW_BUCKET
	Streams        ingestion.StreamNames // STREAM_PRODUCTS, STREAM_ORDERS, STREAM_CUSTOMERS

	EventMaxBack time.Duration // EVENT_MAX_BACK: how far back an event id may be; 0: [api.MaxBack]
	LogLevel     slog.Level    // LOG_LEVEL: debug, info (default), warn or error

	Region       string // AWS_REGION
	AccessKey    string // AWS_ACCESS_KEY_ID
	Secret       string // AWS_SECRET_ACCESS_KEY
	SessionToken string // AWS_SESSION_TOKEN

	getenv func(string) string
}

// ReadEnvironment reads the variables. The error joins everything that is missing or wrong.
func ReadEnvironment(getenv func(string) string) (Environment, error) {
	var faults []error
	need := func(name string) string {
		value := getenv(name)
		if value == "" {
			faults = append(faults, fmt.Errorf("%s is not set", name))
		}
		return value
	}
	e := Environment{
		Function: need("_HANDLER"), Version: getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		CoreTable: need("CORE_TABLE"), AnalyticsTable: need("ANALYTICS_TABLE"), RawBucket: need("RAW_BUCKET"),
		Region: need("AWS_REGION"), AccessKey: need("AWS_ACCESS_KEY_ID"), Secret: need("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"), getenv: getenv,
	}
	for i, stream := range api.Streams {
		e.Streams[i] = need("STREAM_" + strings.ToUpper(string(stream)))
	}
	var err error
	if text := getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"); text != "" {
		if e.MemoryMB, err = strconv.Atoi(text); err != nil || e.MemoryMB <= 0 {
			faults = append(faults, fmt.Errorf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE %q is not a number of MB", text))
		}
	}
	if text := getenv("EVENT_MAX_BACK"); text != "" {
		if e.EventMaxBack, err = time.ParseDuration(text); err != nil || e.EventMaxBack <= 0 {
			faults = append(faults, fmt.Errorf("EVENT_MAX_BACK %q is not a duration such as 840h", text))
		}
	}
	if text := getenv("LOG_LEVEL"); text != "" {
		if err := e.LogLevel.UnmarshalText([]byte(text)); err != nil {
			faults = append(faults, fmt.Errorf("LOG_LEVEL: %w", err))
		}
	}
	return e, errors.Join(faults...)
}

// Endpoint is where a service answers, by the SDK's own variables AWS_ENDPOINT_URL_<SERVICE>
// and AWS_ENDPOINT_URL; "" means AWS itself.
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (e Environment) Endpoint(service string) string {
	if url := e.getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(service)); url != "" {
		return url
	}
	return e.getenv("AWS_ENDPOINT_URL")
}
