package cloud

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Service names one of the embedded services, as its signature scope does.
type Service string

// The services.
const (
	DynamoDB      Service = "dynamodb"
	Firehose      Service = "firehose"
	S3            Service = "s3"
	EventBridge   Service = "events"
	SQS           Service = "sqs"
	StepFunctions Service = "states"
	Lambda        Service = "lambda"
	APIGateway    Service = "apigateway"
)

// DataServices keep what must not be lost, EdgeServices face the clients; a drill runs them as
// two processes.
var (
	DataServices = []Service{DynamoDB, Firehose, S3, EventBridge, SQS, StepFunctions}
	EdgeServices = []Service{Lambda, APIGateway}
	AllServices  = slices.Concat(DataServices, EdgeServices)
)

// ParseServices reads a comma-separated list of service names; "all", "data" and "edge" are
// short for the lists of the same name. All unknown names are reported at once.
func ParseServices(list string) ([]Service, error) {
	var out []Service
	var faults []error
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "all":
			out = append(out, AllServices...)
		case name == "data":
			out = append(out, DataServices...)
		case name == "edge":
			out = append(out, EdgeServices...)
		case name == "eventbridge":
			out = append(out, EventBridge)
		case name == "stepfunctions":
			out = append(out, StepFunctions)
		case slices.Contains(AllServices, Service(name)):
			out = append(out, Service(name))
		default:
			faults = append(faults, fmt.Errorf("unknown service %q: want all, data, edge, %s", name, join(AllServices)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), errors.Join(faults...)
}

func join(services []Service) string {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// Options of [Open]. DataDir is required; the rest has defaults.
type Options struct {
	Services    []Service        // AllServices
	Listen      string           // 127.0.0.1:0, a free port
	DataDir     string           // absolute; made if absent
	Limits      Limits           // zero: AWS's
	Credentials wire.Credentials // local:local
	Peer        string           // base URL where the services that are not served here answer; "" is this process
	Slow        time.Duration    // an answer of the API Gateway that took longer is counted as slow; 0: 142 ms, the SLO
	ExpireEvery time.Duration    // how often DynamoDB looks for expired items; 0 is 10 s
	FunctionLog io.Writer        // what function processes print; nil discards it
	Log         *slog.Logger     // nil discards
}

func (o *Options) ensureDefaults() {
	if len(o.Services) == 0 {
		o.Services = AllServices
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if len(o.Credentials) == 0 {
		o.Credentials = wire.Credentials{"local": "local"}
	}
	if o.FunctionLog == nil {
		o.FunctionLog = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits.ensureDefaults()
}

func (o *Options) validate() error {
	if !filepath.IsAbs(o.DataDir) {
		return fmt.Errorf("data directory %q is not an absolute path", o.DataDir)
	}
	return nil
}

func (o *Options) serves(s Service) bool { return slices.Contains(o.Services, s) }
