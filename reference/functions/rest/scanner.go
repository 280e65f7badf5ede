package rest

import (
	"errors"
	"strconv"
	"strings"
)

// Errors of a [Scanner].
var (
	ErrSyntax   = errors.New("no valid JSON")     // nothing after this can be trusted
	ErrMismatch = errors.New("another JSON type") // the value is JSON, but not of the type that was asked for
)

// Scanner reads JSON in one pass, straight into what the caller knows: no reflection, nothing
// compiled at the first use, so a fresh process is as fast as a warm one, and strings that have
// no escapes are parts of the text. It is strict, as encoding/json is, but that it takes the
// last of equal keys for any type and compares keys exactly. The text must be UTF-8.
//
// The first error stays: from then on every method returns zero values and Err tells it.
// null reads as the zero value of any type.
type Scanner struct {
	text string
	at   int
	err  error
}

// NewScanner begins at the start of the text.
func NewScanner(text string) *Scanner { return &Scanner{text: text} }

// Err is the first error: it wraps [ErrSyntax] or [ErrMismatch] and says where.
func (s *Scanner) Err() error { return s.err }

// Offset is how far the text is read, in bytes.
func (s *Scanner) Offset() int { return s.at }

// Next is where the next value begins, or an end: behind white space.
func (s *Scanner) Next() int {
	s.peek()
	return s.at
}

// Stop ends the reading with an error of the caller's, unless there was one before.
func (s *Scanner) Stop(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Rewind goes back to an offset and forgets the error, to skip what could not be read.
func (s *Scanner) Rewind(offset int) { s.at, s.err = offset, nil }

// Between is a part of the text.
func (s *Scanner) Between(from, to int) string { return s.text[from:to] }

// scanError says where and what; it is made only when something is wrong.
type scanError struct {
	kind error
	at   int
	want string
}

func (e *scanError) Error() string {
	return "byte " + strconv.Itoa(e.at) + ": want " + e.want + ": " + e.kind.Error()
}

func (e *scanError) Unwrap() error { return e.kind }

func (s *Scanner) fail(kind error, want string) {
	if s.err == nil {
		s.err = &scanError{kind, s.at, want}
	}
}

// peek is the next byte that is no white space, 0 at the end or after an error.
func (s *Scanner) peek() byte {
	if s.err != nil {
		return 0
	}
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// End reports whether nothing but white space is left; else it is a syntax error.
func (s *Scanner) End() bool {
	if c := s.peek(); c != 0 || s.at < len(s.text) {
		s.fail(ErrSyntax, "the end")
	}
	return s.err == nil
}

// open begins an object or an array; null has no members, and no value of another kind has.
func (s *Scanner) open(bracket byte, want string) bool {
	switch s.peek() {
	case bracket:
		s.at++
		return true
	case 'n':
		s.literal("null")
	default:
		s.mismatch(want)
	}
	return false
}

// mismatch fails because of the next value's type, or of its syntax.
func (s *Scanner) mismatch(want string) {
	at := s.at
	s.Skip()
	if s.err == nil {
		s.at = at
		s.fail(ErrMismatch, want)
	}
}

// Object calls field with each key, in order. field must read or skip the value.
func (s *Scanner) Object(field func(key string)) {
	if !s.open('{', "an object") {
		return
	}
	if s.peek() == '}' {
		s.at++
		return
	}
	for s.err == nil {
		if s.peek() != '"' {
			s.fail(ErrSyntax, "a key")
			return
		}
		key := s.string()
		if s.peek() != ':' {
			s.fail(ErrSyntax, "a colon")
			return
		}
		s.at++
		field(key)
		switch s.peek() {
		case ',':
			s.at++
		case '}':
			s.at++
			return
		default:
			s.fail(ErrSyntax, "a comma or the object's end")
		}
	}
}

// Array calls element for each element, which must read or skip it.
func (s *Scanner) Array(element func()) {
	if !s.open('[', "an array") {
		return
	}
	if s.peek() == ']' {
		s.at++
		return
	}
	for s.err == nil {
		element()
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			s.at++
			return
		default:
			s.fail(ErrSyntax, "a comma or the array's end")
		}
	}
}

// Text reads a string.
func (s *Scanner) Text() string {
	switch s.peek() {
	case '"':
		return s.string()
	case 'n':
		s.literal("null")
	default:
		s.mismatch("a string")
	}
	return ""
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	switch s.peek() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.mismatch("true or false")
	}
	return false
}

// Int reads a whole number of 64 bits; 1.0 and 1e2 are none, as in encoding/json.
func (s *Scanner) Int() int64 {
	text, ok := s.whole()
	if !ok {
		return 0
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.fail(ErrMismatch, "a whole number of 64 bits")
		return 0
	}
	return value
}

// Uint reads a whole number of 64 bits that is not negative.
func (s *Scanner) Uint() uint64 {
	text, ok := s.whole()
	if !ok {
		return 0
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.fail(ErrMismatch, "a whole number of 64 bits, not negative")
		return 0
	}
	return value
}

func (s *Scanner) whole() (string, bool) {
	switch c := s.peek(); {
	case c == '-' || c >= '0' && c <= '9':
	case c == 'n':
		s.literal("null")
		return "", false
	default:
		s.mismatch("a whole number")
		return "", false
	}
	from := s.at
	if !s.number() {
		return "", false
	}
	text := s.text[from:s.at]
	for i := range len(text) {
		if c := text[i]; c == '.' || c == 'e' || c == 'E' {
			s.at = from
			s.fail(ErrMismatch, "a whole number")
			return "", false
		}
	}
	return text, true
}

func (s *Scanner) literal(word string) bool {
	if !strings.HasPrefix(s.text[s.at:], word) {
		s.fail(ErrSyntax, word)
		return false
	}
	s.at += len(word)
	return true
}

// number passes over -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *Scanner) number() bool {
	if s.at < len(s.text) && s.text[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] == '0' {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *Scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	if s.at == from {
		s.fail(ErrSyntax, "a digit")
	}
	return s.at > from
}
