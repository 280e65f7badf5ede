package scenarios

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// form is what a node of YAML is.
type form int

const (
	empty form = iota
	scalar
	mapping
	sequence
	refused // reported already
)

func (f form) String() string {
	return [...]string{"nothing", "a single value", "a mapping (key: value)", "a list", "nothing that can be read"}[f]
}

// node is YAML without its freedoms: no anchors, tags, merge keys or documents, and every scalar
// is the text as it was written.
type node struct {
	form  form
	text  string // of a scalar
	pairs []pair // of a mapping
	items []*node
	Position
}

type pair struct {
	key   string
	value *node
	Position
}

func (n *node) get(key string) *node {
	for _, p := range n.pairs {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// readTree parses one YAML document. Whatever is wrong with the syntax is in the diagnostics; the
// tree holds what could be read.
func readTree(file string, text []byte) (*node, Diagnostics) {
	b := &builder{file: file}
	parsed, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at := Position{File: file, Line: 1, Col: 1}
		message := err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			message = syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil {
				at.Line, at.Col = tk.Position.Line, tk.Position.Column
			}
		}
		return nil, Diagnostics{{at, "not YAML: " + message}}
	}
	var root *node
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		n := b.build(doc.Body)
		if root != nil {
			b.report(n.Position, "second document: a scenario is one document, without --- between its parts")
			continue
		}
		root = n
	}
	if root == nil {
		root = &node{Position: Position{file, 1, 1}}
	}
	return root, b.found
}

type builder struct {
	file  string
	found Diagnostics
}

func (b *builder) report(at Position, format string, args ...any) {
	b.found = append(b.found, Diagnostic{at, fmt.Sprintf(format, args...)})
}

func (b *builder) at(n ast.Node) Position {
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		return Position{b.file, tk.Position.Line, tk.Position.Column}
	}
	return Position{b.file, 1, 1}
}

func (b *builder) build(from ast.Node) *node {
	n := &node{form: scalar, Position: b.at(from)}
	switch v := from.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		b.report(n.Position, "%s is not allowed in a scenario: write the value out", strings.ToLower(from.Type().String()))
		n.form = refused
	case *ast.NullNode:
		n.form = empty
	case *ast.LiteralNode:
		n.text = v.Value.Value
	case *ast.StringNode:
		n.text = v.Value
	case ast.ScalarNode:
		n.text = v.GetToken().Value
	case *ast.MappingValueNode:
		n.form, n.Position = mapping, b.at(v.Key)
		b.pair(n, v)
	case *ast.MappingNode:
		n.form = mapping
		if len(v.Values) > 0 && !v.IsFlowStyle {
			n.Position = b.at(v.Values[0].Key)
		}
		for _, value := range v.Values {
			b.pair(n, value)
		}
	case *ast.SequenceNode:
		n.form = sequence
		for _, value := range v.Values {
			n.items = append(n.items, b.build(value))
		}
	default:
		b.report(n.Position, "%s is not allowed in a scenario: write the value out", strings.ToLower(from.Type().String()))
		n.form = refused
	}
	return n
}

func (b *builder) pair(into *node, from *ast.MappingValueNode) {
	at := b.at(from.Key)
	key, ok := from.Key.(ast.ScalarNode)
	if !ok {
		b.report(at, "a key must be a plain word")
		return
	}
	if _, merge := from.Key.(*ast.MergeKeyNode); merge {
		b.report(at, "merge key << is not allowed in a scenario: write the keys out")
		return
	}
	name := key.GetToken().Value
	for _, p := range into.pairs {
		if p.key == name {
			b.report(at, "duplicate key %q, first given in line %d", name, p.Line)
			return
		}
	}
	into.pairs = append(into.pairs, pair{name, b.build(from.Value), at})
}

// emit writes a tree as YAML in block style.
func emit(b *strings.Builder, n *node, indent string) {
	switch n.form {
	case scalar:
		b.WriteString(" " + quoted(n.text) + "\n")
	case empty:
		b.WriteString("\n")
	case sequence:
		if len(n.items) == 0 {
			b.WriteString(" []\n")
			return
		}
		b.WriteString("\n")
		for _, item := range n.items {
			if item.form == mapping && len(item.pairs) > 0 {
				emitPairs(b, item, indent+"- ", indent+"  ")
			} else {
				b.WriteString(indent + "-")
				emit(b, item, indent+"  ")
			}
		}
	case mapping:
		if len(n.pairs) == 0 {
			b.WriteString(" {}\n")
			return
		}
		b.WriteString("\n")
		emitPairs(b, n, indent, indent)
	}
}

func emitPairs(b *strings.Builder, n *node, first, rest string) {
	for i, p := range n.pairs {
		prefix := rest
		if i == 0 {
			prefix = first
		}
		b.WriteString(prefix + p.key + ":")
		emit(b, p.value, rest+"  ")
	}
}

// quoted is a scalar that reads back as the same text.
func quoted(text string) string {
	plain := text != "" && !strings.ContainsAny(text[:1], "-?:,[]{}#&*!|>'\"%@` ") && !strings.HasSuffix(text, " ") &&
		!strings.HasSuffix(text, ":") && !strings.Contains(text, ": ") && !strings.Contains(text, " #") && !strings.ContainsAny(text, "\n\t\r{}[],\"'")
	switch strings.ToLower(text) {
	case "null", "~", "true", "false", "<<", ".inf", ".nan":
		plain = false
	}
	for _, r := range text {
		plain = plain && r >= 0x20 && r < 0x7f
	}
	if plain {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
