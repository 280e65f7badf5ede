package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// insights are whether contributor insights are on for a table or an index. The state is kept;
// no rules and no graphs are made of it, since there is no CloudWatch to show them.
type insights struct {
	Mode    string // "" is off
	Updated time.Time
}

const (
	insightsAll       = "ACCESSED_AND_THROTTLED_KEYS"
	insightsThrottled = "THROTTLED_KEYS"
)

func (i insights) status() string {
	if i.Mode == "" {
		return "DISABLED"
	}
	return "ENABLED"
}

// insightsSummary is one table's or index's state on the wire.
type insightsSummary struct {
	TableName                   string
	IndexName                   string `json:",omitempty"`
	ContributorInsightsStatus   string
	ContributorInsightsMode     string   `json:",omitempty"`
	ContributorInsightsRuleList []string `json:",omitempty"`
	LastUpdateDateTime          float64  `json:",omitempty"`
}

func (i insights) summary(table, index string) insightsSummary {
	return insightsSummary{TableName: table, IndexName: index, ContributorInsightsStatus: i.status(), ContributorInsightsMode: i.Mode}
}

// insightsRequest is what the operations on one table or index ask.
type insightsRequest struct {
	TableName                 *string
	IndexName                 string
	ContributorInsightsAction string
	ContributorInsightsMode   string
}

// observed finds the table of a request and wants its index to be there.
func (c *call) observed(in *insightsRequest) (*table, error) {
	t, err := c.find(in.TableName)
	if err != nil {
		return nil, err
	}
	if x := t.index([]byte(in.IndexName)); in.IndexName != "" && (x == nil || x.Local) {
		return nil, refuse(codeNotFound, "Requested resource not found: Table: %s, Index: %s", t.definition.TableName, in.IndexName)
	}
	return t, nil
}

func (c *call) updateContributorInsights() error {
	var in insightsRequest
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	var bad constraints
	bad.notNull(in.ContributorInsightsAction == "", "contributorInsightsAction")
	if in.ContributorInsightsAction != "" {
		bad.oneOf([]byte(in.ContributorInsightsAction), "contributorInsightsAction", "ENABLE", "DISABLE")
	}
	if in.ContributorInsightsMode != "" {
		bad.oneOf([]byte(in.ContributorInsightsMode), "contributorInsightsMode", insightsAll, insightsThrottled)
	}
	if err := bad.err(); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t, err := c.observed(&in)
	if err != nil {
		return err
	}
	was := t.definition.Insights[in.IndexName]
	now := insights{Updated: c.now}
	if in.ContributorInsightsAction == "ENABLE" {
		if now.Mode = in.ContributorInsightsMode; now.Mode == "" {
			now.Mode = insightsAll
		}
	}
	if now.Mode != was.Mode {
		if err := c.change(t, func(d *definition) {
			if d.Insights = maps.Clone(d.Insights); d.Insights == nil {
				d.Insights = map[string]insights{}
			}
			d.Insights[in.IndexName] = now
		}); err != nil {
			return err
		}
	}
	out := now.summary(t.definition.TableName, in.IndexName)
	if now.Mode != was.Mode {
		out.ContributorInsightsStatus = map[bool]string{true: "ENABLING", false: "DISABLING"}[now.Mode != ""]
	}
	return c.encodeJSON(out)
}

func (c *call) describeContributorInsights() error {
	var in insightsRequest
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	t, err := c.observed(&in)
	if err != nil {
		return err
	}
	is := t.definition.Insights[in.IndexName]
	out := is.summary(t.definition.TableName, in.IndexName)
	if !is.Updated.IsZero() {
		out.LastUpdateDateTime = seconds(is.Updated)
	}
	return c.encodeJSON(out)
}

// listContributorInsights leaves out what is off. A page's token is the place to go on from.
func (c *call) listContributorInsights() error {
	var in struct {
		TableName  *string
		NextToken  string
		MaxResults *int
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	most := 100
	if in.MaxResults != nil {
		most = *in.MaxResults
	}
	from := 0
	var bad constraints
	bad.atLeast(true, int64(most), 1, "maxResults")
	if most > 100 {
		bad.add(strconv.Itoa(most), "maxResults", "Member must have value less than or equal to 100")
	}
	if in.NextToken != "" {
		if n, err := fmt.Sscanf(in.NextToken, "%d", &from); n != 1 || err != nil || from < 0 {
			bad.add(in.NextToken, "nextToken", "Member must be a token of an earlier answer")
		}
	}
	if err := bad.err(); err != nil {
		return err
	}
	tables := c.s.tableNames()
	if in.TableName != nil {
		t, err := c.find(in.TableName)
		if err != nil {
			return err
		}
		tables = []string{t.definition.TableName}
	}
	all, list := *c.s.tables.Load(), []insightsSummary{}
	for _, name := range tables {
		t := all[name]
		if t == nil {
			continue
		}
		for _, index := range slices.Sorted(maps.Keys(t.definition.Insights)) {
			if i := t.definition.Insights[index]; i.Mode != "" {
				list = append(list, i.summary(name, index))
			}
		}
	}
	list = list[min(from, len(list)):]
	out := map[string]any{}
	if len(list) > most {
		list = list[:most]
		out["NextToken"] = strconv.Itoa(from + most)
	}
	out["ContributorInsightsSummaries"] = list
	return c.encodeJSON(out)
}
