package cloud

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrUnknownLimit is wrapped where a service, or a limit of it, has a name that nobody has.
var ErrUnknownLimit = errors.New("unknown limit")

// LimitServices are the names of the services that have limits, sorted.
func LimitServices() []string {
	names := make([]string, 0, 8)
	for field := range reflect.TypeFor[Limits]().Fields() {
		names = append(names, field.Tag.Get("yaml"))
	}
	slices.Sort(names)
	return names
}

// LimitNames are the names of a service's limits, in the order of their declaration; nil of an
// unknown service. What belongs together shares a name up to a dot: latency.read.median.
func LimitNames(service string) []string {
	l := AWSLimits()
	var names []string
	for _, one := range l.of(service) {
		names = append(names, one.name)
	}
	return names
}

// Set changes one limit. A value is a number above zero, of bytes, units or calls a second, or a
// duration with its unit, or on; or off, if the service can do without that limit. Zero is refused: a
// service takes it for no limit at all, which off says aloud. The error wraps [ErrUnknownLimit] if
// it is about a name, not about the value.
func (l *Limits) Set(service, name, value string) error {
	l.ensureDefaults()
	all, none := l.of(service), NoLimits()
	if all == nil {
		return fmt.Errorf("%w: no service %q; allowed: %s", ErrUnknownLimit, service, strings.Join(LimitServices(), ", "))
	}
	at := slices.IndexFunc(all, func(one limit) bool { return one.name == name })
	switch {
	case at < 0:
		return fmt.Errorf("%w %q of %s; allowed: %s", ErrUnknownLimit, name, service, strings.Join(LimitNames(service), ", "))
	case value == "off" && !none.of(service)[at].value.IsZero():
		return fmt.Errorf("%s: %s does not work without this limit", name, service)
	case value == "off":
		all[at].value.SetZero()
		return nil
	}
	if err := parseLimit(all[at].value, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// limit is one of a service's.
type limit struct {
	name  string
	value reflect.Value // settable
}

// of lists a service's limits; nil of an unknown service.
func (l *Limits) of(service string) []limit {
	v := l.service(service)
	if !v.IsValid() {
		return nil
	}
	return leaves(v, "")
}

func leaves(v reflect.Value, prefix string) (out []limit) {
	for i := range v.NumField() {
		name := prefix + v.Type().Field(i).Tag.Get("yaml")
		if f := v.Field(i); f.Kind() == reflect.Struct {
			out = append(out, leaves(f, name+".")...)
		} else {
			out = append(out, limit{name, f})
		}
	}
	return out
}

// Off lifts all limits of one service, but those without which it does not work.
func (l *Limits) Off(service string) error {
	l.ensureDefaults()
	none := NoLimits()
	v := l.service(service)
	if !v.IsValid() {
		return fmt.Errorf("%w: no service %q; allowed: %s", ErrUnknownLimit, service, strings.Join(LimitServices(), ", "))
	}
	v.Set(none.service(service))
	return nil
}

// service is the settable struct of a service's limits, or the invalid value.
func (l *Limits) service(name string) reflect.Value {
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i).Elem()
		}
	}
	return reflect.Value{}
}

// parseLimit reads a value into a field of a service's limits.
func parseLimit(into reflect.Value, text string) error {
	zero := fmt.Errorf("%s is no limit: want more than zero; off lifts it", text)
	switch into.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		switch {
		case err != nil:
			return fmt.Errorf("%q is not a duration: write it with a unit, such as 250ms, 2s or 5m", text)
		case d <= 0:
			return zero
		}
		into.SetInt(int64(d))
	case float64:
		x, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Errorf("%q is not a number", text)
		case x <= 0:
			return zero
		}
		into.SetFloat(x)
	case bool:
		if text != "on" {
			return fmt.Errorf("%q is neither on nor off", text)
		}
		into.SetBool(true)
	case uint64: // of a random seed, which may be zero
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		into.SetUint(n)
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return fmt.Errorf("%q is not a whole number", text)
		case n <= 0:
			return zero
		}
		into.SetInt(n)
	}
	return nil
}

// formatLimit is the text that [Limits.Set] reads back.
func formatLimit(v reflect.Value) string {
	if v.IsZero() {
		return "off"
	}
	switch x := v.Interface().(type) {
	case bool:
		return "on"
	case time.Duration:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case uint64:
		return strconv.FormatUint(x, 10)
	}
	return strconv.FormatInt(v.Int(), 10)
}

// LimitChange is a limit that is not AWS's.
type LimitChange struct {
	Service string // as in a file of limits
	Name    string // "": all limits of the service, which are off
	AWS     string // AWS's value, as in a file of limits; "" where Name is
	Value   string // "off", or the changed value
}

// Changes compares the limits with AWS's and lists what differs, by service and declaration. It
// looks at every limit there is, so none can be changed without being listed.
func (l Limits) Changes() []LimitChange {
	l.ensureDefaults()
	aws, none := AWSLimits(), NoLimits()
	var out []LimitChange
	for _, service := range LimitServices() {
		have, want := l.service(service), aws.service(service)
		if have.Equal(want) {
			continue
		}
		if have.Equal(none.service(service)) {
			out = append(out, LimitChange{Service: service, Value: "off"})
			continue
		}
		theirs := aws.of(service)
		for i, one := range l.of(service) {
			if !one.value.Equal(theirs[i].value) {
				out = append(out, LimitChange{Service: service, Name: one.name, AWS: formatLimit(theirs[i].value), Value: formatLimit(one.value)})
			}
		}
	}
	return out
}

// Text is the limits as a file that [ReadLimits] reads back to equal ones; "" if all are AWS's.
func (l Limits) Text() string {
	var b strings.Builder
	last := ""
	for _, c := range l.Changes() {
		switch {
		case c.Name == "":
			fmt.Fprintf(&b, "%s: off\n", c.Service)
			continue
		case c.Service != last:
			fmt.Fprintf(&b, "%s:\n", c.Service)
		}
		last = c.Service
		fmt.Fprintf(&b, "  %s: %s\n", c.Name, c.Value)
	}
	return b.String()
}
