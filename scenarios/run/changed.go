package run

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// changedDefaults lists every default of AWS's that a run did not use: what the deployment asked for,
// and what the scenario did to limits.
func changedDefaults(asked []stack.Setting, limits scenarios.Limits) []reports.AWSDefault {
	return slices.Concat(settingDefaults(asked), []reports.AWSDefault{hostGuards(limits)}, limitDefaults(limits))
}

// settingDefaults are the settings of the deployment that differ from AWS's defaults, a row for all
// resources together. One whose default is not known is listed as one that AWS does not set, so
// that none can be missing.
func settingDefaults(asked []stack.Setting) []reports.AWSDefault {
	type values struct {
		row       reports.AWSDefault
		order     []string // of values
		resources map[string][]string
	}
	var rows []*values
	defaults := cloud.Defaults()
	for _, s := range asked {
		known := wire.Setting{Name: s.Operation + " " + s.Member}
		if i := slices.IndexFunc(defaults, func(d wire.Setting) bool { return d.Operation == s.Operation && d.Member == s.Member }); i >= 0 {
			known = defaults[i]
		}
		if s.Value == known.AWS {
			continue
		}
		at := slices.IndexFunc(rows, func(r *values) bool { return r.row.Service == s.Service && r.row.Setting == known.Name })
		if at < 0 {
			row := reports.AWSDefault{Service: s.Service, Setting: known.Name, AWS: "none", Source: known.Source}
			if known.AWS != "" {
				row.AWS = quantity(known.AWS, known.Unit)
			}
			at = len(rows)
			rows = append(rows, &values{row: row, resources: map[string][]string{}})
		}
		value := quantity(s.Value, known.Unit)
		if _, seen := rows[at].resources[value]; !seen {
			rows[at].order = append(rows[at].order, value)
		}
		rows[at].resources[value] = append(rows[at].resources[value], s.Resource)
	}
	out := make([]reports.AWSDefault, len(rows))
	for i, r := range rows {
		var parts []string
		for _, value := range r.order {
			parts = append(parts, fmt.Sprintf("%s (%s)", value, strings.Join(r.resources[value], ", ")))
		}
		out[i] = r.row
		out[i].Run = strings.Join(parts, "; ")
	}
	return out
}

// quantity is a value as people read it.
func quantity(value, unit string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err == nil && unit == "s" && n >= 3600:
		return reports.FormatDuration(time.Duration(n) * time.Second)
	case err == nil:
		value = reports.Count(n)
	}
	return strings.TrimSpace(value + " " + unit)
}

// limitDefaults are the limits that a scenario changed: whatever differs from AWS's.
func limitDefaults(l scenarios.Limits) (out []reports.AWSDefault) {
	limits, _ := limitsOf(l)
	for _, c := range limits.Changes() {
		if c.Name == "" {
			c.Name, c.AWS = "all limits", "imposed"
		}
		out = append(out, reports.AWSDefault{Service: c.Service, Setting: c.Name, AWS: c.AWS, Run: c.Value})
	}
	return out
}

// hostGuards are the limits of the embedded Lambda that AWS has not.
func hostGuards(l scenarios.Limits) reports.AWSDefault {
	limits, _ := limitsOf(l)
	return reports.AWSDefault{Service: "Lambda", Setting: "processes on this host", AWS: "no such limit", Source: "stampede-only",
		Run: fmt.Sprintf("%d start at once, %d in all", limits.Lambda.StartsAtOnce, limits.Lambda.Processes)}
}
