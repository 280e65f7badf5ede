package expr

import (
	"fmt"
	"strings"
)

// MaxLength is how long an expression may be, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-expression-parameters
const MaxLength = 4 << 10

// MaxOperators is how many operators and functions an expression may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-expression-parameters
const MaxOperators = 300

// Error is a fault of an expression, worded as DynamoDB words it.
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

type tokenKind byte

const (
	tokenEnd tokenKind = iota
	tokenIdent
	tokenName   // #name
	tokenValue  // :value
	tokenNumber // digits
	tokenMark   // punctuation
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// is says whether the token is a keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenIdent && strings.EqualFold(t.text, keyword)
}

func (t token) mark(s string) bool { return t.kind == tokenMark && t.text == s }

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// lex cuts the text into tokens, the last of which is the end.
func lex(text string) ([]token, error) {
	if strings.TrimLeft(text, " \t\r\n") == "" {
		return nil, Error("The expression can not be empty;")
	}
	if len(text) > MaxLength {
		return nil, errorf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	var tokens []token
	for i := 0; i < len(text); {
		c := text[i]
		start := i
		kind := tokenMark
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case isLetter(c) && c != '_' || c == '#' || c == ':':
			kind = tokenIdent
			if c == '#' {
				kind = tokenName
			} else if c == ':' {
				kind = tokenValue
			}
			for i++; i < len(text) && (isLetter(text[i]) || isDigit(text[i])); i++ {
			}
			if kind != tokenIdent && i == start+1 {
				tokens = append(tokens, token{tokenMark, text[start:i], start, i})
				continue
			}
		case isDigit(c):
			kind = tokenNumber
			for ; i < len(text) && isDigit(text[i]); i++ {
			}
		case c == '<' && i+1 < len(text) && (text[i+1] == '>' || text[i+1] == '='), c == '>' && i+1 < len(text) && text[i+1] == '=':
			i += 2
		default:
			i++
			for i < len(text) && text[i] >= 0x80 && c >= 0x80 {
				i++
			}
		}
		tokens = append(tokens, token{kind, text[start:i], start, i})
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)}), nil
}

// syntaxError names the token at i with its neighbours.
func syntaxError(text string, tokens []token, i int) error {
	first, last := i, i
	if i > 0 {
		first--
	}
	if tokens[i].kind == tokenEnd && first > 0 {
		first--
	}
	if i+1 < len(tokens) {
		last++
	}
	return errorf("Syntax error; token: \"%s\", near: \"%s\"", tokens[i].text, strings.TrimRight(text[tokens[first].start:tokens[last].end], " \t\r\n"))
}
