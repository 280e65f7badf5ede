// Package jsonread walks a JSON text once, left to right, without building values. The
// DynamoDB service parses requests with it straight into the stored form of items.
//
// [Cursor] is the whole interface: BeginObject and NextKey, BeginArray and NextElement, one
// method a scalar, and Skip. The first error sticks; callers check Err at the end or when they
// must. A cursor owns no goroutine and does not copy the text: strings alias it unless they
// hold escapes.
package jsonread

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSyntax is what every error of a cursor wraps: the text is not JSON, or a value has
// another type than the caller asked for.
var ErrSyntax = errors.New("malformed json")

// maxSkipDepth bounds the nesting of a value that is skipped.
const maxSkipDepth = 128

// Cursor is a position in a JSON text. The zero value is at the end of an empty text.
type Cursor struct {
	data  []byte
	pos   int
	first bool // the next NextKey or NextElement is the first of its container
	err   error
}

// New is a cursor at the start of data, which must not change while strings of it are in use.
func New(data []byte) Cursor { return Cursor{data: data} }

// Err is the first error met, or nil.
func (c *Cursor) Err() error { return c.err }

// Pos is the offset in bytes of the next unread byte.
func (c *Cursor) Pos() int { return c.pos }

// Fail makes the cursor fail with a message, unless it already has.
func (c *Cursor) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w at byte %d: %s", ErrSyntax, c.pos, fmt.Sprintf(format, args...))
	}
}

// Peek is the first byte of the next token, or 0 at the end of the text or after an error.
func (c *Cursor) Peek() byte {
	if c.err != nil {
		return 0
	}
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *Cursor) expect(b byte) bool {
	if c.Peek() != b {
		c.Fail("want %q", b)
		return false
	}
	c.pos++
	return true
}

// End fails unless only white space is left.
func (c *Cursor) End() {
	if c.Peek() != 0 || c.pos < len(c.data) {
		c.Fail("text after the value")
	}
}

// BeginObject enters an object; NextKey then walks it.
func (c *Cursor) BeginObject() bool {
	c.first = true
	return c.expect('{')
}

// NextKey returns the next key of the object, or false at its end or after an error.
func (c *Cursor) NextKey() ([]byte, bool) {
	switch b := c.Peek(); {
	case b == '}':
		c.pos++
		c.first = false
		return nil, false
	case c.first:
	case b == ',':
		c.pos++
	default:
		c.Fail("want a comma or the end of the object")
		return nil, false
	}
	c.first = false
	key := c.String()
	c.expect(':')
	return key, c.err == nil
}

// BeginArray enters an array; NextElement then walks it.
func (c *Cursor) BeginArray() bool {
	c.first = true
	return c.expect('[')
}

// NextElement says whether the array has another element, which the caller must then read.
func (c *Cursor) NextElement() bool {
	switch b := c.Peek(); {
	case b == ']':
		c.pos++
		c.first = false
		return false
	case c.first:
	case b == ',':
		c.pos++
	default:
		c.Fail("want a comma or the end of the array")
		return false
	}
	c.first = false
	return c.err == nil
}

// String reads a string. It aliases the text unless it has escapes.
func (c *Cursor) String() []byte {
	if !c.expect('"') {
		return nil
	}
	start, ascii := c.pos, true
	for i := start; i < len(c.data); i++ {
		switch b := c.data[i]; {
		case b == '"':
			s := c.data[start:i:i]
			c.pos = i + 1
			if !ascii && !utf8.Valid(s) {
				c.Fail("string is not UTF-8")
				return nil
			}
			return s
		case b == '\\':
			return c.escaped(start, i)
		case b < 0x20:
			c.pos = i
			c.Fail("control character in a string")
			return nil
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.Fail("string without an end")
	return nil
}

// escaped reads on from the first backslash at i of the string that began at start.
func (c *Cursor) escaped(start, i int) []byte {
	out := append(make([]byte, 0, i-start+32), c.data[start:i]...)
	for i < len(c.data) {
		b := c.data[i]
		switch {
		case b == '"':
			c.pos = i + 1
			if !utf8.Valid(out) {
				c.Fail("string is not UTF-8")
				return nil
			}
			return out
		case b < 0x20:
			c.pos = i
			c.Fail("control character in a string")
			return nil
		case b != '\\':
			out = append(out, b)
			i++
			continue
		}
		if i+1 >= len(c.data) {
			break
		}
		switch e := c.data[i+1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := c.hex4(i + 2)
			if utf16.IsSurrogate(r) && i+7 < len(c.data) && c.data[i+6] == '\\' && c.data[i+7] == 'u' {
				if pair := utf16.DecodeRune(r, c.hex4(i+8)); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			out = utf8.AppendRune(out, r) // a lone surrogate becomes U+FFFD
			i += 4
		default:
			c.pos = i
			c.Fail("unknown escape")
		}
		if c.err != nil {
			return nil
		}
		i += 2
	}
	c.Fail("string without an end")
	return nil
}

func (c *Cursor) hex4(i int) rune {
	if i+4 > len(c.data) {
		c.Fail("short unicode escape")
		return 0
	}
	var r rune
	for _, b := range c.data[i : i+4] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b >= 'a' && b <= 'f':
			r = r<<4 | rune(b-'a'+10)
		case b >= 'A' && b <= 'F':
			r = r<<4 | rune(b-'A'+10)
		default:
			c.Fail("bad unicode escape")
			return 0
		}
	}
	return r
}

// Bool reads true or false.
func (c *Cursor) Bool() bool {
	switch c.Peek() {
	case 't':
		c.literal("true")
		return c.err == nil
	case 'f':
		c.literal("false")
	default:
		c.Fail("want a boolean")
	}
	return false
}

// Null reads null if it comes next and says whether it did.
func (c *Cursor) Null() bool {
	if c.Peek() != 'n' {
		return false
	}
	c.literal("null")
	return c.err == nil
}

func (c *Cursor) literal(word string) {
	if len(c.data)-c.pos < len(word) || string(c.data[c.pos:c.pos+len(word)]) != word {
		c.Fail("want %s", word)
		return
	}
	c.pos += len(word)
}

// Number reads a number's text as it stands.
func (c *Cursor) Number() []byte {
	b := c.Peek()
	if b != '-' && (b < '0' || b > '9') {
		c.Fail("want a number")
		return nil
	}
	start := c.pos
	digits := func() bool {
		from := c.pos
		for c.pos < len(c.data) && c.data[c.pos] >= '0' && c.data[c.pos] <= '9' {
			c.pos++
		}
		return c.pos > from
	}
	if b == '-' {
		c.pos++
	}
	from := c.pos
	ok := digits() && (c.data[from] != '0' || c.pos == from+1)
	if ok && c.pos < len(c.data) && c.data[c.pos] == '.' {
		c.pos++
		ok = digits()
	}
	if ok && c.pos < len(c.data) && (c.data[c.pos] == 'e' || c.data[c.pos] == 'E') {
		c.pos++
		if c.pos < len(c.data) && (c.data[c.pos] == '+' || c.data[c.pos] == '-') {
			c.pos++
		}
		ok = digits()
	}
	if !ok {
		c.Fail("malformed number")
		return nil
	}
	return c.data[start:c.pos:c.pos]
}

// Int reads a whole number; a fraction is cut off. Values beyond an int64 fail.
func (c *Cursor) Int() int64 {
	text := c.Number()
	var n int64
	neg := false
	for i, b := range text {
		if i == 0 && b == '-' {
			neg = true
			continue
		}
		if b == '.' {
			break
		}
		if b < '0' || b > '9' || n > (1<<63-10)/10 {
			c.Fail("want a whole number")
			return 0
		}
		n = n*10 + int64(b-'0')
	}
	if neg {
		return -n
	}
	return n
}

// Skip reads over any one value.
func (c *Cursor) Skip() { c.skip(0) }

func (c *Cursor) skip(depth int) {
	if depth > maxSkipDepth {
		c.Fail("nested deeper than %d", maxSkipDepth)
		return
	}
	switch c.Peek() {
	case '{':
		c.BeginObject()
		for {
			if _, ok := c.NextKey(); !ok {
				return
			}
			c.skip(depth + 1)
		}
	case '[':
		c.BeginArray()
		for c.NextElement() {
			c.skip(depth + 1)
		}
	case '"':
		c.String()
	case 't', 'f':
		c.Bool()
	case 'n':
		c.Null()
	default:
		c.Number()
	}
}
