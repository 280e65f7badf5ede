package cloud

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ReadLimits understands "aws", "off", or the name of a YAML file that changes some of AWS's
// numbers: a mapping from each service to aws, off, or a mapping of settings. All mistakes are
// reported at once, a line each: file:line:col: message.
func ReadLimits(arg string) (Limits, error) {
	switch arg {
	case "", "aws":
		return AWSLimits(), nil
	case "off":
		return NoLimits(), nil
	}
	text, err := os.ReadFile(arg)
	if errors.Is(err, os.ErrNotExist) {
		return Limits{}, fmt.Errorf("limits %q: want aws, off or a YAML file, and there is no such file", arg)
	}
	if err != nil {
		return Limits{}, fmt.Errorf("read limits: %w", err)
	}
	return parseLimits(arg, text)
}

func parseLimits(file string, text []byte) (Limits, error) {
	parsed, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			p := at.GetToken().Position
			err = fmt.Errorf("%d:%d: not YAML: %s", p.Line, p.Column, at.GetMessage())
		}
		return Limits{}, fmt.Errorf("%s:%w", file, err)
	}
	r := limitsReader{file: file, limits: AWSLimits()}
	var documents int
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		if documents++; documents > 1 {
			r.report(doc.Body, errors.New("second document: a file of limits is one document"))
			continue
		}
		r.each(doc.Body, "limits", "a mapping of services", r.service)
	}
	if len(r.faults) > 0 {
		return Limits{}, errors.Join(r.faults...)
	}
	return r.limits, nil
}

// limitsReader gathers limits and mistakes.
type limitsReader struct {
	file   string
	limits Limits
	faults []error
}

func (r *limitsReader) report(at ast.Node, err error) {
	p := at.GetToken().Position
	r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %w", r.file, p.Line, p.Column, err))
}

// each calls f with every key and value of a mapping, and refuses a key's second coming.
func (r *limitsReader) each(n ast.Node, what, want string, f func(key ast.Node, name string, value ast.Node)) {
	var pairs []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		pairs = v.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{v}
	default:
		r.report(n, fmt.Errorf("%s: want %s", what, want))
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		name := p.Key.GetToken().Value
		if seen[name] {
			r.report(p.Key, fmt.Errorf("duplicate key %q", name))
			continue
		}
		seen[name] = true
		f(p.Key, name, p.Value)
	}
}

// service reads what stands under a service's name.
func (r *limitsReader) service(key ast.Node, service string, value ast.Node) {
	if LimitNames(service) == nil {
		r.report(key, fmt.Errorf("unknown service %q; allowed: %s", service, strings.Join(LimitServices(), ", ")))
		return
	}
	switch word, _ := plain(value); word {
	case "aws":
		return
	case "off":
		if err := r.limits.Off(service); err != nil {
			r.report(key, err)
		}
		return
	}
	r.settings(service, "", value)
}

// settings reads a service's limits, or those of them that share a name up to a dot.
func (r *limitsReader) settings(service, prefix string, value ast.Node) {
	what, want := service, "aws, off, or a mapping of its limits"
	if prefix != "" {
		what, want = strings.TrimSuffix(prefix, "."), "a mapping"
	}
	r.each(value, what, want, func(key ast.Node, name string, value ast.Node) {
		name = prefix + name
		if grouped(service, name) {
			r.settings(service, name+".", value)
			return
		}
		text, ok := plain(value)
		if !ok {
			r.report(value, fmt.Errorf("%s: want a single value", name))
			return
		}
		err := r.limits.Set(service, name, text)
		switch {
		case errors.Is(err, ErrUnknownLimit):
			r.report(key, err)
		case err != nil:
			r.report(value, err)
		}
	})
}

// grouped says whether a name is of several limits, which are its keys.
func grouped(service, name string) bool {
	return slices.ContainsFunc(LimitNames(service), func(one string) bool { return strings.HasPrefix(one, name+".") })
}

// plain is a single value as it was written, without YAML's anchors and tags.
func plain(n ast.Node) (text string, ok bool) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", false
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}
