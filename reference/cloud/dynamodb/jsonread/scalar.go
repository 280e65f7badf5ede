package jsonread

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. It aliases the text unless it has escapes.
func (c *Cursor) String() []byte {
	if !c.expect('"') {
		return nil
	}
	start, ascii := c.pos, true
	for i := start + plain(c.data[c.pos:]); i < len(c.data); i++ {
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

// Bytes of a word, all the same.
const (
	ones   = 0x0101010101010101
	tops   = 0x80 * ones
	quotes = '"' * ones
	slants = '\\' * ones
	spaces = ' ' * ones
)

// plain counts bytes at the beginning of a text that stand for themselves in a string: not all of
// them, but only such. It looks at eight at a time: a byte of a word w that is zero leaves its
// top bit in (w - ones) &^ w, and one below n in (w - n*ones) &^ w.
func plain(text []byte) int {
	rest := text
	for ; len(rest) >= 8; rest = rest[8:] {
		w := binary.LittleEndian.Uint64(rest)
		q, s := w^quotes, w^slants
		if ((q-ones)&^q|(s-ones)&^s|(w-spaces)&^w|w)&tops != 0 {
			break
		}
	}
	return len(text) - len(rest)
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

// Bool reads true or false, or a string that says so, as AWS takes it.
func (c *Cursor) Bool() bool {
	switch c.Peek() {
	case '"':
		from := c.pos
		switch strings.ToUpper(string(c.String())) {
		case "TRUE", "YES", "1":
			return c.err == nil
		case "FALSE", "NO", "0":
		default:
			c.pos = from
			c.Fail("want a boolean")
		}
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
