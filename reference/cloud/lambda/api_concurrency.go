package lambda

import (
	"net/http"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// concurrency is a function's reservation as the API writes it.
type concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func (s *Service) putConcurrency(r *wire.Request, args []string) (answer, error) {
	var in concurrency
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	if in.ReservedConcurrentExecutions == nil || *in.ReservedConcurrentExecutions < 0 {
		return answer{}, invalid("Value at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0")
	}
	return answer{body: in}, s.reserve(args[0], in.ReservedConcurrentExecutions)
}

func (s *Service) deleteConcurrency(_ *wire.Request, args []string) (answer, error) {
	return answer{status: http.StatusNoContent}, s.reserve(args[0], nil)
}

// reserve changes a reservation, in the scheduler first, since that may refuse it.
func (s *Service) reserve(ref string, n *int) error {
	return s.change(ref, func(f *function) error {
		if err := s.scheduler.setReserved(f.latest().FunctionName, n); err != nil {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", s.limits.UnreservedConcurrency)
		}
		f.record.Reserved = n
		return nil
	})
}

func (s *Service) getConcurrency(_ *wire.Request, args []string) (answer, error) {
	f, err := s.existing(args[0])
	if err != nil {
		return answer{}, err
	}
	return answer{body: concurrency{f.record.Reserved}}, nil
}

// accountSettings shows the account's limits and use.
func (s *Service) accountSettings(*wire.Request, []string) (answer, error) {
	reserved, functions := 0, s.state.functions()
	var size int64
	for _, f := range functions {
		for _, c := range f.versions {
			size += c.CodeSize
		}
		if f.record.Reserved != nil {
			reserved += *f.record.Reserved
		}
	}
	return answer{body: map[string]any{
		"AccountLimit": map[string]any{
			"CodeSizeUnzipped": s.limits.CodeBytes, "CodeSizeZipped": s.limits.ZipBytes,
			"ConcurrentExecutions":           s.limits.Concurrency,
			"UnreservedConcurrentExecutions": max(0, s.limits.Concurrency-reserved),
		},
		"AccountUsage": map[string]any{"FunctionCount": len(functions), "TotalCodeSize": size},
	}}, nil
}

// eventsConfigBody is an event invoke configuration as the API writes it.
type eventsConfigBody struct {
	FunctionArn string
	eventsConfig
}

func (s *Service) putEventsConfig(r *wire.Request, args []string) (answer, error) {
	var in eventsConfig
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	if n := in.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 2) {
		return answer{}, invalid("Value '%d' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value between 0 and 2", *n)
	}
	if n := in.MaximumEventAgeInSeconds; n != nil && (*n < 60 || *n > 21600) {
		return answer{}, invalid("Value '%d' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value between 60 and 21600", *n)
	}
	in.LastModified = seconds(r.Now)
	var out eventsConfigBody
	err := s.change(args[0], func(f *function) error {
		f.record.Events = in
		out = eventsConfigBody{f.latest().FunctionArn, in}
		return nil
	})
	return answer{body: out}, err
}

func (s *Service) getEventsConfig(_ *wire.Request, args []string) (answer, error) {
	f, err := s.existing(args[0])
	if err != nil {
		return answer{}, err
	}
	if f.record.Events.LastModified == 0 {
		return answer{}, notFound("The function %s doesn't have an EventInvokeConfig", f.latest().FunctionArn)
	}
	return answer{body: eventsConfigBody{f.latest().FunctionArn, f.record.Events}}, nil
}

func (s *Service) deleteEventsConfig(_ *wire.Request, args []string) (answer, error) {
	err := s.change(args[0], func(f *function) error {
		f.record.Events = eventsConfig{}
		return nil
	})
	return answer{status: http.StatusNoContent}, err
}

func (s *Service) listTags(_ *wire.Request, args []string) (answer, error) {
	f, err := s.existing(args[0])
	if err != nil {
		return answer{}, err
	}
	return answer{body: map[string]any{"Tags": f.record.Tags}}, nil
}

func (s *Service) tag(r *wire.Request, args []string) (answer, error) {
	var in struct{ Tags map[string]string }
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	err := s.change(args[0], func(f *function) error {
		if f.record.Tags == nil {
			f.record.Tags = map[string]string{}
		}
		for k, v := range in.Tags {
			f.record.Tags[k] = v
		}
		return nil
	})
	return answer{status: http.StatusNoContent}, err
}
