package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/retailflow/stampede/loadgen/export"
)

// streams are the outputs that live while the load runs.
type streams struct {
	metrics   *export.Metrics // nil without any
	exporters []export.Exporter
}

// closeFor is the time that exporters have for the last figures.
const closeFor = 15 * time.Second

func openStreams(ctx context.Context, o *Options) (*streams, error) {
	s := &streams{}
	for _, out := range o.Outputs {
		if out.format != nil {
			continue
		}
		if o.Workers.Count > 0 {
			return nil, fmt.Errorf("output %s: live metrics are of a load that this process sends, not of one with workers", out.text)
		}
		if s.metrics == nil {
			s.metrics = export.NewMetrics(o.Name, o.Job.Timeout)
		}
		e, err := out.stream.Open(ctx, s.metrics)
		if err != nil {
			return nil, errors.Join(err, s.close(ctx))
		}
		s.exporters = append(s.exporters, e)
	}
	return s, nil
}

// close tells the last figures, also of a load that was interrupted.
func (s *streams) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeFor)
	defer cancel()
	var faults []error
	for _, e := range s.exporters {
		faults = append(faults, e.Close(ctx))
	}
	s.exporters = nil
	return errors.Join(faults...)
}
