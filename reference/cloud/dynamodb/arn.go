package dynamodb

import (
	"fmt"
	"strings"
)

// account is the account of all that is embedded.
const account = "000000000000"

func (s *Service) arn(table string) string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", s.region, account, table)
}

// resource finds the table that an ARN names; rest is what stands behind the table's name, such
// as /stream/2026-11-27T08:00:00.000. The faults are in AWS's order.
func (c *call) resource(arn string, missing func() error) (t *table, rest string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case parts[0] != "arn" || len(parts) == 1:
		return nil, "", invalid(wrong+"ARNs must start with 'arn:': %s", arn)
	case len(parts) < 6:
		return nil, "", invalid(wrong+"Provided Arn is not a DynamoDB resource arn: %s", arn)
	case parts[2] != "dynamodb" || parts[4] != account:
		return nil, "", c.denied(arn)
	case parts[3] != c.s.region || parts[1] != "aws":
		return nil, "", invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	name, ok := strings.CutPrefix(parts[5], "table/")
	if !ok {
		return nil, "", invalid(wrong+"Provided Arn is not a DynamoDB resource arn: %s", arn)
	}
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	if rest != "" && !strings.HasPrefix(rest, "/stream/") {
		return nil, "", invalid(wrong+"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: %s", arn)
	}
	if len(name) < 3 {
		return nil, "", invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	if t = (*c.s.tables.Load())[name]; t == nil {
		return nil, "", missing()
	}
	return t, rest, nil
}

// denied is the answer about what belongs to somebody else.
func (c *call) denied(arn string) error {
	return refuse(codeDenied, "User: arn:aws:iam::%s:user/%s is not authorized to perform: dynamodb:%s on resource: %s", account, c.r.AccessKey, c.r.Action, arn)
}
