package rest

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// simple says which bytes of a string stand for themselves.
var simple = func() (table [256]bool) {
	for c := 0x20; c < 256; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// string reads a string at whose quote the scanner is.
func (s *Scanner) string() string {
	from := s.at + 1
	at := from
	for at < len(s.text) && simple[s.text[at]] {
		at++
	}
	if at < len(s.text) && s.text[at] == '"' {
		s.at = at + 1
		return s.text[from:at]
	}
	return s.unescape(from, at)
}

// unescape reads on from the first byte that does not stand for itself.
func (s *Scanner) unescape(from, at int) string {
	out := make([]byte, 0, at-from+64)
	out = append(out, s.text[from:at]...)
	for at < len(s.text) {
		c := s.text[at]
		if simple[c] {
			from = at
			for at++; at < len(s.text) && simple[s.text[at]]; at++ {
			}
			out = append(out, s.text[from:at]...)
			continue
		}
		if c == '"' {
			s.at = at + 1
			return string(out)
		}
		if c != '\\' || at+1 == len(s.text) {
			break
		}
		at += 2
		switch e := s.text[at-1]; e {
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
			r, ok := unicode4(s.text[at:])
			if !ok {
				s.at = at
				s.fail(ErrSyntax, "four hexadecimal digits")
				return ""
			}
			at += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if strings.HasPrefix(s.text[at:], `\u`) {
					low, ok = unicode4(s.text[at+2:])
				}
				if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
					r = pair
					at += 6
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			s.at = at - 1
			s.fail(ErrSyntax, "an escape")
			return ""
		}
	}
	s.at = at
	s.fail(ErrSyntax, "the string's end")
	return ""
}

func unicode4(text string) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
