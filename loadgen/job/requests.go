package job

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// written is a request as a person writes it.
type written struct {
	Name     string            `yaml:"name"`
	Weight   float64           `yaml:"weight"`
	Method   string            `yaml:"method"`
	Path     string            `yaml:"path"`
	Headers  map[string]string `yaml:"headers"`
	Body     string            `yaml:"body"`
	BodyFile string            `yaml:"body-file"`
}

// ParseRequests reads the requests that a job draws from: a YAML (or JSON) list, or, if the file's
// name ends in .jsonl or .ndjson, one JSON object a line. The keys of each are name, weight, method,
// path, headers, body and body-file, which open reads. The error joins faults as
// name:line:col: message.
func ParseRequests(name string, text []byte, open func(file string) ([]byte, error)) ([]Request, error) {
	r := requestReader{name: name, open: open}
	switch filepath.Ext(name) {
	case ".jsonl", ".ndjson":
		for i, line := range bytes.Split(text, []byte("\n")) {
			if r.line = i; len(bytes.TrimSpace(line)) > 0 {
				r.document(line, false)
			}
		}
	default:
		r.document(text, true)
	}
	if len(r.requests) == 0 && len(r.faults) == 0 {
		r.fault(nil, "no requests: at least one is needed")
	}
	return r.requests, errors.Join(r.faults...)
}

type requestReader struct {
	name     string
	open     func(string) ([]byte, error)
	line     int // before the document's first
	requests []Request
	faults   []error
}

func (r *requestReader) fault(n ast.Node, format string, args ...any) {
	line, col := 1, 1
	if n != nil {
		line, col = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.name, r.line+line, col, fmt.Sprintf(format, args...)))
}

// wrong is a fault that the YAML library found.
func (r *requestReader) wrong(n ast.Node, err error) {
	var found yaml.Error
	if errors.As(err, &found) && found.GetToken() != nil {
		at := found.GetToken().Position
		r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.name, r.line+at.Line, at.Column, found.GetMessage()))
		return
	}
	r.fault(n, "%v", err)
}

func (r *requestReader) document(text []byte, list bool) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		r.wrong(nil, err)
		return
	}
	for i, d := range file.Docs {
		switch items, isList := d.Body.(*ast.SequenceNode); {
		case d.Body == nil:
		case i > 0:
			r.fault(d.Body, "a second document: one list is allowed")
		case !list:
			r.request(d.Body)
		case !isList:
			r.fault(d.Body, "found %s, expected a list of requests, such as - path: /", strings.ToLower(d.Body.Type().String()))
		default:
			for _, item := range items.Values {
				r.request(item)
			}
		}
	}
}

func (r *requestReader) request(n ast.Node) {
	var w written
	if err := yaml.NodeToValue(n, &w, yaml.Strict()); err != nil {
		r.wrong(n, err)
		return
	}
	before := len(r.faults)
	q := Request{Name: w.Name, Weight: w.Weight, Method: strings.ToUpper(w.Method), Path: w.Path, Body: []byte(w.Body)}
	switch {
	case !strings.HasPrefix(w.Path, "/"):
		r.fault(valueOf(n, "path"), "path %q: must begin with /", w.Path)
	case w.Weight < 0:
		r.fault(valueOf(n, "weight"), "weight %v: must be more than zero", w.Weight)
	case w.Body != "" && w.BodyFile != "":
		r.fault(valueOf(n, "body-file"), "body and body-file: give one of them")
	}
	if q.Method != "" && !slices.Contains(methods, q.Method) {
		r.fault(valueOf(n, "method"), "method %q: must be one of %s", w.Method, strings.Join(methods, ", "))
	}
	if w.BodyFile != "" {
		var err error
		if q.Body, err = r.open(w.BodyFile); err != nil {
			r.fault(valueOf(n, "body-file"), "%v", err)
		}
	}
	for key, value := range w.Headers {
		if q.Header == nil {
			q.Header = http.Header{}
		}
		q.Header.Set(key, value)
	}
	if len(q.Body) == 0 {
		q.Body = nil
	}
	if len(r.faults) == before {
		r.requests = append(r.requests, q)
	}
}

// methods that a request may have.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// valueOf is a key's value in a mapping, or the mapping.
func valueOf(n ast.Node, key string) ast.Node {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return n
	}
	for _, v := range m.Values {
		if v.Key.String() == key || strings.Trim(v.Key.String(), `"`) == key {
			return v.Value
		}
	}
	return n
}
