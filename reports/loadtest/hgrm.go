package loadtest

import (
	"fmt"
	"io"

	"github.com/retailflow/stampede/reports/stat"
)

// WriteHGRM writes a percentile distribution, in ms, as HdrHistogram's plotter reads it
// (https://hdrhistogram.github.io/HdrHistogram/plotFiles.html).
func WriteHGRM(w io.Writer, h *stat.Histogram) error {
	if err := h.WriteDistribution(w); err != nil {
		return fmt.Errorf("write percentile distribution: %w", err)
	}
	return nil
}
