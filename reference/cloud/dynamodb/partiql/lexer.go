package partiql

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
)

type tokenKind byte

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or a name
	tokenQuoted           // a "name"
	tokenString           // a 'string'
	tokenNumber
	tokenMark
)

// token is a piece of a statement.
type token struct {
	kind       tokenKind
	text       string // of quoted ones, what is inside the quotes
	start, end int    // in the statement
}

// is says whether the token is a keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func (t token) mark(s string) bool { return t.kind == tokenMark && t.text == s }

// keywords cannot be names without quotes.
var keywords = []string{
	"SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "BETWEEN", "IS", "ORDER", "BY", "GROUP", "HAVING", "LIMIT", "OFFSET",
	"INSERT", "INTO", "VALUE", "UPDATE", "SET", "REMOVE", "DELETE", "RETURNING", "NULL", "MISSING", "TRUE", "FALSE", "INNER",
}

func (t token) keyword() bool { return t.kind == tokenWord && slices.ContainsFunc(keywords, t.is) }

func errorf(format string, args ...any) error { return expr.Error(fmt.Sprintf(format, args...)) }

// malformed is the fault of a statement that is none.
func malformed(why string) error {
	return errorf("Statement wasn't well formed, can't be processed: %s", why)
}

// at is where a token stands, as messages have it: line, column and length in characters.
func at(text string, t token) string {
	before := text[:t.start]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("%d:%d:%d", line, column, utf8.RuneCountInString(text[t.start:t.end]))
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// lex cuts the text into tokens, the last of which is the end.
func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		c, start := text[i], i
		t := token{kind: tokenMark, start: start}
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case strings.HasPrefix(text[i:], "--"):
			for i < len(text) && text[i] != '\n' {
				i++
			}
			continue
		case isLetter(c):
			for t.kind = tokenWord; i < len(text) && (isLetter(text[i]) || isDigit(text[i])); i++ {
			}
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			t.kind, i = tokenNumber, number(text, i)
		case c == '\'' || c == '"':
			inside, end := quoted(text, i)
			if end < 0 {
				return nil, malformed("Unexpected end of statement")
			}
			t.kind, t.text, i = tokenQuoted, inside, end
			if c == '\'' {
				t.kind = tokenString
			}
		case i+1 < len(text) && slices.Contains([]string{"<<", ">>", "<>", "!=", "<=", ">="}, text[i:i+2]):
			i += 2
		case strings.IndexByte("()[]{},.:*?=<>+-", c) >= 0:
			i++
		default:
			return nil, malformed("Unexpected character")
		}
		t.end = i
		if t.kind != tokenQuoted && t.kind != tokenString {
			t.text = text[start:i]
		}
		tokens = append(tokens, t)
	}
	return append(tokens, token{start: len(text), end: len(text)}), nil
}

// number is where the number that starts at i ends.
func number(text string, i int) int {
	digits := func() {
		for i < len(text) && isDigit(text[i]) {
			i++
		}
	}
	digits()
	if i < len(text) && text[i] == '.' {
		i++
		digits()
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		mark := i
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if i == len(text) || !isDigit(text[i]) {
			return mark
		}
		digits()
	}
	return i
}

// quoted reads what is in the quotes that open at i, of which two stand for one, and where they
// end: below zero if they do not.
func quoted(text string, i int) (inside string, end int) {
	quote := text[i]
	var b strings.Builder
	for i++; i < len(text); i++ {
		if text[i] == quote {
			if i+1 == len(text) || text[i+1] != quote {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(text[i])
	}
	return "", -1
}
