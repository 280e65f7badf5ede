package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// parseJSON reads one JSON value; numbers stay as they are written.
func parseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// parseEvent reads an event, which must be an object. Keys with dots in them
// count as nested: {"a.b": 1} is {"a": {"b": 1}}.
func parseEvent(text []byte) (map[string]any, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("an event is a JSON object")
	}
	undot(m)
	return m, nil
}

// undot nests the keys with dots, in place.
func undot(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			undot(e)
		}
	case map[string]any:
		var dotted []string
		for k, e := range v {
			undot(e)
			if strings.Contains(k, ".") {
				dotted = append(dotted, k)
			}
		}
		slices.Sort(dotted)
		for _, k := range dotted {
			e := v[k]
			delete(v, k)
			parts := strings.Split(k, ".")
			for i := len(parts) - 1; i > 0; i-- {
				e = map[string]any{parts[i]: e}
			}
			merge(v, parts[0], e)
		}
	}
}

// merge puts a value beside what a key already has; both count as its values.
func merge(m map[string]any, key string, v any) {
	old, ok := m[key]
	if !ok {
		m[key] = v
		return
	}
	a, aok := old.(map[string]any)
	b, bok := v.(map[string]any)
	if aok && bok {
		for k, e := range b {
			merge(a, k, e)
		}
		return
	}
	m[key] = []any{old, v}
}

// objects lists the objects that a value is or, as an array, holds.
func objects(v any, to []map[string]any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		to = append(to, v)
	case []any:
		for _, e := range v {
			to = objects(e, to)
		}
	}
	return to
}

// anyScalar reports whether one of the scalars that a value is or, as an array,
// holds satisfies ok. An object is none.
func anyScalar(v any, ok func(any) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		return false
	case []any:
		for _, e := range v {
			if anyScalar(e, ok) {
				return true
			}
		}
		return false
	}
	return ok(v)
}

// exactBits is up to where a float64 holds every whole number.
const exactBits = 1 << 53

// sameNumber compares numbers by value: 300, 300.0 and 3e2 are the same.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err := strconv.ParseFloat(string(a), 64)
	y, err2 := strconv.ParseFloat(string(b), 64)
	return err == nil && err2 == nil && x == y && x < exactBits && x > -exactBits
}
