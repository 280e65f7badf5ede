package scenarios

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// field is a key of a mapping: how it is read, and how it is written. Both come from one
// declaration, so that what is printed reads back.
type field struct {
	key      string
	required bool
	read     func(d *decoder, n *node)
	show     func() *node // nil: left out
}

func (f field) must() field {
	f.required = true
	return f
}

// decoder gathers mistakes and remembers where each value came from.
type decoder struct {
	found Diagnostics
	where map[any]Position // by the address of what was read
	bad   map[string]bool  // keys of the scenario under which something is wrong
}

func (d *decoder) report(at Position, format string, args ...any) {
	d.found = append(d.found, Diagnostic{at, fmt.Sprintf(format, args...)})
}

// object reads a mapping whose keys are the fields'.
func (d *decoder) object(what string, n *node, fields []field) {
	allowed := make([]string, len(fields))
	for i, f := range fields {
		allowed[i] = f.key
	}
	if n.form == refused {
		return
	}
	if n.form != mapping {
		d.report(n.Position, "%s must be a mapping with the keys %s; this is %s", what, strings.Join(allowed, ", "), n.form)
		return
	}
	known := make(map[string]field, len(fields))
	for _, f := range fields {
		known[f.key] = f
		if f.required && n.get(f.key) == nil {
			d.report(n.Position, "%s has no %q", what, f.key)
		}
	}
	for _, p := range n.pairs {
		f, ok := known[p.key]
		switch {
		case !ok:
			d.report(p.Position, "unknown key %q in %s%s; allowed: %s", p.key, what, Suggest(p.key, allowed), strings.Join(allowed, ", "))
		case p.value.form == empty:
			d.report(p.Position, "%q in %s is empty", p.key, what)
		default:
			f.read(d, p.value)
		}
	}
}

// scalar reports anything but a single value.
func (d *decoder) scalar(key string, n *node) bool {
	if n.form != scalar {
		if n.form == refused {
			return false
		}
		d.report(n.Position, "%q must be a single value; this is %s", key, n.form)
		return false
	}
	return true
}

// value declares a field of one scalar.
func value[T any](key string, to *T, parse func(string) (T, error), format func(T) string) field {
	return field{
		key: key,
		read: func(d *decoder, n *node) {
			if !d.scalar(key, n) {
				return
			}
			d.where[to] = n.Position
			x, err := parse(n.text)
			if err != nil {
				d.report(n.Position, "%s: %v", key, err)
				return
			}
			*to = x
		},
		show: func() *node { return &node{form: scalar, text: format(*to)} },
	}
}

// within adds a range to a field of an ordered value; the limits are included.
func within[T ~int | ~int64 | ~uint64 | ~float64](f field, to *T, low, high T, format func(T) string) field {
	read := f.read
	f.read = func(d *decoder, n *node) {
		before := len(d.found)
		read(d, n)
		if len(d.found) == before && !(*to >= low && *to <= high) {
			d.report(n.Position, "%s: %s is out of range: from %s to %s", f.key, format(*to), format(low), format(high))
		}
	}
	return f
}

func duration(key string, to *time.Duration, low, high time.Duration) field {
	return within(value(key, to, parseDuration, formatDuration), to, low, high, formatDuration)
}

func share[T ~float64](key string, to *T, low, high T) field {
	format := func(x T) string { return Share(x).String() }
	parse := func(text string) (T, error) { x, err := parseShare(text); return T(x), err }
	return within(value(key, to, parse, format), to, low, high, format)
}

func rate[T ~float64](key string, to *T, low, high T) field {
	format := func(x T) string { return PerSecond(x).String() }
	parse := func(text string) (T, error) { x, err := parseRate(text); return T(x), err }
	return within(value(key, to, parse, format), to, low, high, format)
}

func size(key string, to *Bytes, low, high Bytes) field {
	return within(value(key, to, parseBytes, Bytes.String), to, low, high, Bytes.String)
}

func number(key string, to *float64, low, high float64) field {
	return within(value(key, to, parseNumber, formatNumber), to, low, high, formatNumber)
}

func integer(key string, to *int, low, high int) field {
	parse := func(text string) (int, error) {
		if looksOctal(text) {
			return 0, octal(text)
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", text)
		}
		return n, nil
	}
	return within(value(key, to, parse, strconv.Itoa), to, low, high, strconv.Itoa)
}

// seed is a whole number above 0; 0 is that none was given.
func seed(key string, to *uint64) field {
	parse := func(text string) (uint64, error) {
		if looksOctal(text) {
			return 0, octal(text)
		}
		n, err := strconv.ParseUint(text, 10, 64)
		switch {
		case err == nil && n == 0:
			return 0, errors.New("0 is no seed: leave the key out, and the run draws one")
		case err != nil:
			return 0, fmt.Errorf("%q is not a whole number from 1 to 18446744073709551615", text)
		}
		return n, nil
	}
	f := value(key, to, parse, func(n uint64) string { return strconv.FormatUint(n, 10) })
	show := f.show
	f.show = func() *node {
		if *to == 0 {
			return nil
		}
		return show()
	}
	return f
}

func text(key string, to *string) field {
	f := value(key, to, func(s string) (string, error) { return strings.TrimSpace(s), nil }, func(s string) string { return s })
	show := f.show
	f.show = func() *node {
		if *to == "" {
			return nil
		}
		return show()
	}
	return f
}

// filled is a text that says something if it is there at all.
func filled(key string, to *string) field {
	f := text(key, to)
	read := f.read
	f.read = func(d *decoder, n *node) {
		read(d, n)
		if n.form == scalar && *to == "" {
			d.report(n.Position, "%s: is empty: leave the key out for the default", key)
		}
	}
	return f
}

// word is a name that can stand in a path, a table and a file name.
func word(key string, to *string) field {
	f := text(key, to)
	read := f.read
	f.read = func(d *decoder, n *node) {
		read(d, n)
		if n.form == scalar && !isWord(n.text) {
			d.report(n.Position, "%s: %q must be of lower-case letters, digits and single hyphens, and begin with a letter", key, n.text)
		}
	}
	return f
}

func isWord(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
		case i > 0 && r >= '0' && r <= '9':
		case i > 0 && r == '-' && s[i-1] != '-' && i < len(s)-1:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 60
}

func oneOf[T ~string](key string, to *T, allowed ...T) field {
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	parse := func(text string) (T, error) {
		for _, a := range allowed {
			if string(a) == text {
				return a, nil
			}
		}
		return "", fmt.Errorf("unknown value %q%s; allowed: %s", text, Suggest(text, words), strings.Join(words, ", "))
	}
	return value(key, to, parse, func(s T) string { return string(s) })
}

func toggle(key string, to *bool) field {
	parse := func(text string) (bool, error) {
		switch text {
		case "on":
			return true, nil
		case "off":
			return false, nil
		}
		return false, fmt.Errorf("unknown value %q; allowed: on, off", text)
	}
	format := func(on bool) string {
		if on {
			return "on"
		}
		return "off"
	}
	return value(key, to, parse, format)
}

// group is a field that is a mapping of fields.
func group(key string, fields ...field) field {
	return field{
		key:  key,
		read: func(d *decoder, n *node) { d.object(key, n, fields) },
		show: func() *node { return shown(fields) },
	}
}

// list is a field that is a list of mappings. A given list replaces the default one.
func list[T any](key, what string, to *[]T, fresh func() T, fields func(*T) []field) field {
	return field{
		key: key,
		read: func(d *decoder, n *node) {
			if n.form != sequence && n.form != refused {
				d.report(n.Position, "%q must be a list; this is %s", key, n.form)
				return
			}
			d.where[to] = n.Position
			*to = make([]T, len(n.items)) // never grown: validation remembers addresses
			for i, item := range n.items {
				(*to)[i] = fresh()
				d.where[&(*to)[i]] = item.Position
				d.object(what, item, fields(&(*to)[i]))
			}
		},
		show: func() *node {
			n := &node{form: sequence}
			for i := range *to {
				n.items = append(n.items, shown(fields(&(*to)[i])))
			}
			return n
		},
	}
}

// shown is the mapping of all fields that show themselves; nil if none does.
func shown(fields []field) *node {
	n := &node{form: mapping}
	for _, f := range fields {
		if value := f.show(); value != nil {
			n.pairs = append(n.pairs, pair{key: f.key, value: value})
		}
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return n
}
