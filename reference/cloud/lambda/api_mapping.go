package lambda

import (
	"net/http"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// mappingRequest is the body of a create or update request; nil leaves what is there.
type mappingRequest struct {
	EventSourceArn                 string
	FunctionName                   string
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	Enabled                        *bool
	FunctionResponseTypes          *[]string
	ScalingConfig                  *struct{ MaximumConcurrency *int }
	FilterCriteria                 *struct{ Filters []any }
	DestinationConfig              *struct{ OnFailure *struct{ Destination string } }
}

// apply takes the request over into a mapping.
func (in *mappingRequest) apply(s *Service, m *Mapping) error {
	if in.FilterCriteria != nil && len(in.FilterCriteria.Filters) > 0 {
		return invalid("FilterCriteria are not supported")
	}
	if in.FunctionName != "" {
		name, qualifier, err := parseTarget(in.FunctionName)
		if err != nil {
			return err
		}
		if _, _, err := s.resolve(name, qualifier); err != nil {
			return err
		}
		m.FunctionArn = s.arn(name, qualifier)
	}
	replace(&m.BatchSize, in.BatchSize)
	replace(&m.MaximumBatchingWindowInSeconds, in.MaximumBatchingWindowInSeconds)
	replace(&m.FunctionResponseTypes, in.FunctionResponseTypes)
	if in.ScalingConfig != nil {
		m.ScalingConfig = nil
		if n := in.ScalingConfig.MaximumConcurrency; n != nil {
			m.ScalingConfig = &MappingScaling{*n}
		}
	}
	if in.Enabled != nil {
		m.State = "Disabled"
		if *in.Enabled {
			m.State = "Enabled"
		}
	}
	return nil
}

func (s *Service) createMapping(r *wire.Request, _ []string) (answer, error) {
	var in mappingRequest
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	if parts := strings.Split(in.EventSourceArn, ":"); len(parts) != 6 || parts[2] != "sqs" {
		return answer{}, invalid("event source %q is no SQS queue, the only kind that is supported", in.EventSourceArn)
	}
	if in.FunctionName == "" {
		return answer{}, invalid("a mapping needs a FunctionName")
	}
	m := Mapping{
		EventSourceArn: in.EventSourceArn, BatchSize: defaultBatch, State: "Enabled",
		EventSourceMappingArn: "arn:aws:lambda:" + s.options.Region + ":" + s.options.Account + ":event-source-mapping:",
	}
	if err := in.apply(s, &m); err != nil {
		return answer{}, err
	}
	m, err := s.mappings.create(m)
	return answer{http.StatusAccepted, m}, err
}

func (s *Service) updateMapping(r *wire.Request, args []string) (answer, error) {
	var in mappingRequest
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	m, err := s.mappings.update(args[0], func(m *Mapping) error { return in.apply(s, m) })
	return answer{http.StatusAccepted, m}, err
}

func (s *Service) getMapping(_ *wire.Request, args []string) (answer, error) {
	p := s.mappings.find(args[0])
	if p == nil {
		return answer{}, notFound("The resource you requested does not exist.")
	}
	return answer{body: p.mapping()}, nil
}

func (s *Service) listMappings(r *wire.Request, _ []string) (answer, error) {
	q := r.HTTP.URL.Query()
	want := ""
	if ref := q.Get("FunctionName"); ref != "" {
		name, qualifier, err := parseTarget(ref)
		if err != nil {
			return answer{}, err
		}
		want = s.arn(name, qualifier)
	}
	all := []Mapping{}
	for _, m := range s.mappings.list() {
		if source := q.Get("EventSourceArn"); (source == "" || source == m.EventSourceArn) && (want == "" || want == m.FunctionArn) {
			all = append(all, m)
		}
	}
	page, next, err := paginate(r, all)
	return answer{body: map[string]any{"EventSourceMappings": page, "NextMarker": next}}, err
}

func (s *Service) deleteMapping(_ *wire.Request, args []string) (answer, error) {
	m, err := s.mappings.remove(args[0])
	return answer{http.StatusAccepted, m}, err
}
