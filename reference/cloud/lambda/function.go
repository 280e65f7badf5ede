package lambda

import (
	"maps"
	"strconv"
)

// function is everything known about one function. A published value is never changed: a
// change works on a clone that takes its place once it is durable.
type function struct {
	record   functionRecord
	versions map[string]*Configuration // with $LATEST
	aliases  map[string]*Alias
}

// functionRecord is what is kept of a function beside its versions and aliases.
type functionRecord struct {
	NextVersion int
	Reserved    *int         `json:",omitempty"` // reserved concurrency
	Events      eventsConfig // asynchronous invocation
	Tags        map[string]string
}

// eventsConfig is Lambda's event invoke configuration; nil is the default.
type eventsConfig struct {
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	LastModified             float64
}

func (f *function) clone() *function {
	c := *f
	c.versions, c.aliases = maps.Clone(f.versions), maps.Clone(f.aliases)
	c.record.Tags = maps.Clone(f.record.Tags)
	return &c
}

func (f *function) latest() *Configuration { return f.versions[latest] }

// resolve finds the version that qualifier ("" is $LATEST) names and the alias it came
// through, if any. u chooses between an alias's versions.
func (f *function) resolve(qualifier string, u func(alias *Alias) float64) (*Configuration, *Alias, error) {
	if qualifier == "" {
		return f.latest(), nil, nil
	}
	if a := f.aliases[qualifier]; a != nil {
		version := a.FunctionVersion
		if a.RoutingConfig != nil {
			version = a.route(u(a))
		}
		return f.versions[version], a, nil
	}
	if c := f.versions[qualifier]; c != nil {
		return c, nil, nil
	}
	return nil, nil, notFound("Function not found: %s:%s", f.latest().FunctionArn, qualifier)
}

// lastPublished is the newest version but $LATEST, nil if none was published or it is gone.
func (f *function) lastPublished() *Configuration {
	return f.versions[strconv.Itoa(f.record.NextVersion-1)]
}
