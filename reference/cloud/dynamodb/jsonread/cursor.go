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
