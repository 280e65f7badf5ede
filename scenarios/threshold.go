package scenarios

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/threshold"
)

// RealOrdersEndpoint is what the requests of a replayed real day are called in thresholds and in the
// report; those of the plan have their kind's name.
const RealOrdersEndpoint = "real orders"

// What a threshold of a drill can be about. Times of parts of a request, retries and assertions are
// those of `stampede load`.
var (
	thresholdMetrics = []threshold.Metric{threshold.Latency, threshold.Service, threshold.Lag, threshold.Freshness, threshold.Requests, threshold.Errors, threshold.Dropped}
	thresholdLabels  = map[string][]string{
		"endpoint": {plan.Batch.String(), plan.Webhook.String(), plan.Read.String(), RealOrdersEndpoint},
		"class":    {"starter", "growth", "enterprise"},
	}
)

// thresholds is a list of limits in the language of package threshold.
func thresholds(key string, to *[]threshold.Threshold) field {
	return field{
		key: key,
		read: func(d *decoder, n *node) {
			if n.form != sequence && n.form != refused {
				d.report(n.Position, "%q must be a list such as - p99(latency) < 142ms; this is %s", key, n.form)
				return
			}
			*to = nil
			for _, item := range n.items {
				if d.scalar("threshold", item) {
					*to = append(*to, readThreshold(d, item))
				}
			}
		},
		show: func() *node {
			if len(*to) == 0 {
				return nil
			}
			n := &node{form: sequence}
			for _, t := range *to {
				n.items = append(n.items, &node{form: scalar, text: t.String()})
			}
			return n
		},
	}
}

func readThreshold(d *decoder, n *node) threshold.Threshold {
	t, err := threshold.Parse(n.text)
	if err != nil {
		d.report(n.Position, "%v", err)
		return t
	}
	if !slices.Contains(thresholdMetrics, t.Metric) {
		var allowed []string
		for _, m := range thresholdMetrics {
			allowed = append(allowed, string(m))
		}
		d.report(n.Position, "threshold %q: a drill does not measure %s; allowed: %s", n.text, t.Metric, strings.Join(allowed, ", "))
	}
	for _, label := range []string{"endpoint", "class"} {
		if value, ok := t.Labels[label]; ok && !slices.Contains(thresholdLabels[label], value) {
			d.report(n.Position, "threshold %q: unknown %s %q%s; allowed: %s", n.text, label, value,
				Suggest(value, thresholdLabels[label]), strings.Join(thresholdLabels[label], ", "))
		}
	}
	return t
}
