package lambda

import (
	"regexp"
	"strings"
)

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// parseTarget reads a function reference: a name, a partial ARN (account:function:name) or an
// ARN, each with an optional :qualifier.
func parseTarget(ref string) (name, qualifier string, err error) {
	rest := ref
	if strings.HasPrefix(ref, "arn:") {
		parts := strings.SplitN(ref, ":", 6)
		if len(parts) < 6 || parts[2] != "lambda" {
			return "", "", invalid("Invalid function ARN %q", ref)
		}
		rest = parts[5]
	} else if _, after, ok := strings.Cut(ref, ":function:"); ok {
		rest = "function:" + after
	}
	rest = strings.TrimPrefix(rest, "function:")
	name, qualifier, _ = strings.Cut(rest, ":")
	if !functionName.MatchString(name) || qualifier != "" && !validQualifier(qualifier) {
		return "", "", invalid("Value '%s' at 'functionName' failed to satisfy constraint", ref)
	}
	return name, qualifier, nil
}

func validQualifier(q string) bool { return q == latest || aliasName.MatchString(q) }
