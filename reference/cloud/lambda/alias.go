package lambda

import (
	"regexp"
	"strconv"
)

// Alias is a name for a version, or for two versions that share its traffic.
// https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
type Alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *Routing `json:",omitempty"`
	RevisionID      string   `json:"RevisionId"`
}

// Routing sends a share of an alias's traffic, 0 to 1, to one additional version.
type Routing struct {
	AdditionalVersionWeights map[string]float64
}

var (
	aliasName   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	versionName = regexp.MustCompile(`^[0-9]+$`)
)

// route picks the version for one invocation. u is uniform in [0,1).
func (a *Alias) route(u float64) string {
	if a.RoutingConfig != nil {
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
			if u < weight {
				return version
			}
			u -= weight
		}
	}
	return a.FunctionVersion
}

// refers says whether the alias sends anything to version.
func (a *Alias) refers(version string) bool {
	if a.FunctionVersion == version {
		return true
	}
	if a.RoutingConfig == nil {
		return false
	}
	_, ok := a.RoutingConfig.AdditionalVersionWeights[version]
	return ok
}

// check says what is wrong with an alias of f, in Lambda's words where they are known.
func (a *Alias) check(f *function) error {
	if !aliasName.MatchString(a.Name) || versionName.MatchString(a.Name) {
		return invalid("Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)", a.Name)
	}
	if f.versions[a.FunctionVersion] == nil {
		return notFound("Function not found: %s:%s", f.versions[latest].FunctionArn, a.FunctionVersion)
	}
	if a.RoutingConfig == nil || len(a.RoutingConfig.AdditionalVersionWeights) == 0 {
		a.RoutingConfig = nil
		return nil
	}
	if len(a.RoutingConfig.AdditionalVersionWeights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	if a.FunctionVersion == latest {
		return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
		switch {
		case version == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.FunctionVersion:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case f.versions[version] == nil:
			return notFound("Function not found: %s:%s", f.versions[latest].FunctionArn, version)
		case !(weight >= 0 && weight <= 1):
			return invalid("Value '%s' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Member must have value between 0.0 and 1.0",
				strconv.FormatFloat(weight, 'g', -1, 64))
		}
	}
	return nil
}
