package dynamodb

import (
	"slices"
	"strings"
	"sync"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// plan is a request's expressions, ready to use. Those it lacks are nil.
type plan struct {
	condition, filter, keyCondition *expr.Condition
	update                          *expr.Update
	projection                      *expr.Projection
}

// expressions keeps parsed expressions by their text and the names they use: programs send the
// same few again and again.
type expressions struct {
	mu   sync.RWMutex
	kept map[string]any
}

// maxExpressions bounds the cache; a program that builds texts from data fills it and starts over.
const maxExpressions = 4096

// maxExpressionKey is the longest text and names, in bytes, that are kept there: longer ones are
// rare, and could be many megabytes.
const maxExpressionKey = 8 << 10

// parsed returns the parsed form of a text.
func parsed[T any](e *expressions, kind byte, text []byte, names []expr.Name, parse func(string, []expr.Name) (T, error)) (T, error) {
	var buf [512]byte
	key := append(buf[:0], kind)
	key = append(key, text...)
	for _, n := range names {
		key = append(key, 0)
		key = append(key, n.Placeholder...)
		key = append(key, '=')
		key = append(key, n.Name...)
	}
	e.mu.RLock()
	v, ok := e.kept[string(key)]
	e.mu.RUnlock()
	if ok {
		return v.(T), nil
	}
	p, err := parse(string(text), names)
	if err != nil {
		return p, err
	}
	if len(key) > maxExpressionKey {
		return p, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept == nil || len(e.kept) >= maxExpressions {
		e.kept = map[string]any{}
	}
	e.kept[string(key)] = p
	return p, nil
}

// plan parses and checks a request's expressions in DynamoDB's order.
func (s *Service) plan(r *request) (plan, error) {
	var p plan
	if r.legacy != nil {
		if err := r.legacy.checkWrite(); err != nil {
			return p, err
		}
		r.legacy.into(&p)
	}
	if r.condition == nil && r.update == nil && r.filter == nil && r.keyCondition == nil && r.projection == nil {
		return p, nil
	}
	if err := r.checkPlaceholders(); err != nil {
		return p, err
	}
	var uses [5]expr.Uses
	var err error
	if r.update != nil {
		p.update, err = parsed(&s.expressions, 'u', r.update, r.names, expr.ParseUpdate)
		if err == nil {
			uses[0] = p.update.Uses()
			err = p.update.Check(r.values)
		}
		if err != nil {
			return p, invalid("Invalid UpdateExpression: %s", err)
		}
	}
	for i, c := range []struct {
		text []byte
		name string
		into **expr.Condition
	}{
		{r.condition, "ConditionExpression", &p.condition},
		{r.keyCondition, "KeyConditionExpression", &p.keyCondition},
		{r.filter, "FilterExpression", &p.filter},
	} {
		if c.text == nil {
			continue
		}
		*c.into, err = parsed(&s.expressions, 'c', c.text, r.names, expr.ParseCondition)
		if err == nil {
			uses[1+i] = (*c.into).Uses()
			err = (*c.into).Check(r.values)
		}
		if err != nil {
			return p, invalid("Invalid %s: %s", c.name, err)
		}
	}
	if r.projection != nil {
		p.projection, err = parsed(&s.expressions, 'p', r.projection, r.names, expr.ParseProjection)
		if err != nil {
			return p, invalid("Invalid ProjectionExpression: %s", err)
		}
		uses[4] = p.projection.Uses()
	}
	return p, r.checkUnused(uses[:])
}

func validPlaceholder(p []byte, mark byte) bool {
	if len(p) < 2 || p[0] != mark {
		return false
	}
	for _, c := range p[1:] {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// checkPlaceholders looks at the names and values that expressions may refer to.
func (r *request) checkPlaceholders() error {
	if r.has(givenNames) {
		if len(r.names) == 0 {
			return invalid("ExpressionAttributeNames must not be empty")
		}
		for _, n := range r.names {
			if !validPlaceholder([]byte(n.Placeholder), '#') {
				return invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, n.Placeholder)
			}
			if err := item.CheckName(n.Name); err != nil {
				return invalid("ExpressionAttributeNames contains invalid value: %s for key %s", strings.TrimPrefix(err.Error(), wrong), n.Placeholder)
			}
		}
	}
	if r.values == nil {
		return nil
	}
	if len(r.values) == 0 {
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for name := range r.values.All() {
		if !validPlaceholder(name, ':') {
			return invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, name)
		}
	}
	if r.valuesFault != nil {
		return invalid("ExpressionAttributeValues contains invalid value: %s for key %s", r.valuesFault, r.valuesFaultKey)
	}
	return nil
}

// checkUnasked refuses placeholders without an expression that could use them.
func (r *request) checkUnasked(expressions []string, values string) error {
	if r.has(givenNames) && expressions == nil {
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values != "" && r.values != nil && r.condition == nil && r.update == nil && r.filter == nil && r.keyCondition == nil {
		return invalid("ExpressionAttributeValues can only be specified when using expressions: %s", values)
	}
	return nil
}

// checkUnused refuses placeholders that no expression mentions.
func (r *request) checkUnused(uses []expr.Uses) error {
	var unused []string
	for _, n := range r.names {
		if !slices.ContainsFunc(uses, func(u expr.Uses) bool { return slices.Contains(u.Names, n.Placeholder) }) {
			unused = append(unused, n.Placeholder)
		}
	}
	if unused != nil {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(unused, ", "))
	}
	for rest := r.values; len(rest) > 0; {
		var name []byte
		name, _, rest = rest.Next()
		if !slices.ContainsFunc(uses, func(u expr.Uses) bool { return containsBytes(u.Values, name) }) {
			unused = append(unused, string(name))
		}
	}
	if unused != nil {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(unused, ", "))
	}
	return nil
}

func containsBytes(list []string, b []byte) bool {
	for _, s := range list {
		if s == string(b) {
			return true
		}
	}
	return false
}
