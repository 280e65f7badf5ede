package apigateway

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxParams is how many parameters a path may have.
const maxParams = 8

// route is one operation of a document, ready to be served.
type route struct {
	operation    string // operationId, or "METHOD path"
	method       string
	resource     string // the path template
	function     string // ARN, with alias
	name         string // of the function, without ARN and alias
	timeout      time.Duration
	contentTypes []string // in lower case; nil: any
	apiKey       bool     // an x-api-key is good
	bearer       bool     // a bearer token is good
	open         bool     // no credentials are needed
	counters     *operationCounters
}

// router finds the route of a request: a tree by path segments. It does not change once it is
// compiled.
type router struct {
	root   node
	routes []*route
}

type node struct {
	static  map[string]*node
	param   *node
	name    string // of the parameter, in its own node
	methods map[string]*route
}

// param is a path parameter's name and decoded value.
type param struct{ name, value string }

// params are those of one request; it is a value so that matching allocates nothing.
type params struct {
	list [maxParams]param
	n    int
}

func (p *params) get(name string) (string, bool) {
	for _, q := range p.list[:p.n] {
		if q.name == name {
			return q.value, true
		}
	}
	return "", false
}

// compile reads an OpenAPI 3.0 document, JSON or YAML. The error says what is wrong with it.
func compile(document []byte) (*router, *openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, nil, fmt.Errorf("check OpenAPI document: %w", err)
	}
	r := new(router)
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, operation := range doc.Paths.Value(path).Operations() {
			one, err := compileOperation(doc, path, method, operation)
			if err != nil {
				return nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			if err := r.add(one); err != nil {
				return nil, nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
		}
	}
	return r, doc, nil
}

func compileOperation(doc *openapi3.T, path, method string, operation *openapi3.Operation) (*route, error) {
	out := &route{operation: operation.OperationID, method: method, resource: path, counters: new(operationCounters)}
	if out.operation == "" {
		out.operation = method + " " + path
	}
	integration, ok := operation.Extensions["x-amazon-apigateway-integration"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no x-amazon-apigateway-integration")
	}
	if kind, _ := integration["type"].(string); !strings.EqualFold(kind, "aws_proxy") {
		return nil, fmt.Errorf("integration type %q, only aws_proxy is served here", kind)
	}
	uri, _ := integration["uri"].(string)
	if out.function, out.name = functionOf(uri); out.name == "" {
		return nil, fmt.Errorf("integration uri %q names no Lambda function", uri)
	}
	switch ms := integration["timeoutInMillis"].(type) {
	case float64:
		out.timeout = time.Duration(ms) * time.Millisecond
	case int:
		out.timeout = time.Duration(ms) * time.Millisecond
	}
	if body := operation.RequestBody; body != nil {
		for kind := range body.Value.Content {
			out.contentTypes = append(out.contentTypes, strings.ToLower(kind))
		}
		if slices.Contains(out.contentTypes, "*/*") {
			out.contentTypes = nil
		}
	}
	return out, out.secure(doc, operation)
}

// functionOf finds the function's ARN in an integration's uri, which wraps it in
// …:lambda:path/2015-03-31/functions/<ARN>/invocations, or is it.
func functionOf(uri string) (arn, name string) {
	if _, after, ok := strings.Cut(uri, "/functions/"); ok {
		uri = strings.TrimSuffix(after, "/invocations")
	}
	_, after, ok := strings.Cut(uri, ":function:")
	if !ok || !strings.HasPrefix(uri, "arn:") {
		return "", ""
	}
	name, _, _ = strings.Cut(after, ":")
	return uri, name
}

// secure reads which credentials an operation takes. Alternatives are supported, combinations
// are not.
func (r *route) secure(doc *openapi3.T, operation *openapi3.Operation) error {
	requirements := doc.Security
	if operation.Security != nil {
		requirements = *operation.Security
	}
	r.open = len(requirements) == 0
	for _, requirement := range requirements {
		if len(requirement) == 0 {
			r.open = true
		}
		if len(requirement) > 1 {
			return fmt.Errorf("security requirements that combine schemes are not served here")
		}
		for name := range requirement {
			scheme := doc.Components.SecuritySchemes[name]
			switch {
			case scheme == nil:
				return fmt.Errorf("unknown security scheme %q", name)
			case scheme.Value.Type == "apiKey" && scheme.Value.In == "header" && strings.EqualFold(scheme.Value.Name, "x-api-key"):
				r.apiKey = true
			case scheme.Value.Type == "http" && strings.EqualFold(scheme.Value.Scheme, "bearer"):
				r.bearer = true
			default:
				return fmt.Errorf("security scheme %q: want an API key in x-api-key, or bearer", name)
			}
		}
	}
	return nil
}

func (r *router) add(one *route) error {
	at := &r.root
	count := 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(one.resource, "/"), "/") {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			if at.static == nil {
				at.static = map[string]*node{}
			}
			if at.static[segment] == nil {
				at.static[segment] = new(node)
			}
			at = at.static[segment]
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if count++; count > maxParams || strings.HasSuffix(name, "+") {
			return fmt.Errorf("parameter %q: at most %d, and none that is greedy", name, maxParams)
		}
		if at.param == nil {
			at.param = &node{name: name}
		}
		if at.param.name != name {
			return fmt.Errorf("parameter %q is called %q by another path", name, at.param.name)
		}
		at = at.param
	}
	if at.methods == nil {
		at.methods = map[string]*route{}
	}
	at.methods[one.method] = one
	r.routes = append(r.routes, one)
	return nil
}

// match finds the route of an escaped path. A fixed segment goes before a parameter; an empty
// parameter matches nothing.
func (r *router) match(method, path string) (*route, params, bool) {
	var p params
	at := &r.root
	rest, ok := strings.CutPrefix(path, "/")
	for more := ok; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if next := at.static[segment]; next != nil {
			at = next
			continue
		}
		if at.param == nil || segment == "" {
			return nil, p, false
		}
		at = at.param
		if strings.IndexByte(segment, '%') >= 0 {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				return nil, p, false
			}
			segment = plain
		}
		p.list[p.n] = param{at.name, segment}
		p.n++
	}
	found := at.methods[method]
	return found, p, found != nil
}
