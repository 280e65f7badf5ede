package rest

// maxDepth bounds nested values that are skipped.
const maxDepth = 512

// pass goes over a string at whose quote the scanner is, checking it.
func (s *Scanner) pass() {
	at := s.at + 1
	for at < len(s.text) && simple[s.text[at]] {
		at++
	}
	if at < len(s.text) && s.text[at] == '"' {
		s.at = at + 1
		return
	}
	s.string()
}

// Skip passes over the next value, whatever it is, checking its syntax.
func (s *Scanner) Skip() {
	var closers [maxDepth]byte
	depth := 0
	for {
		switch c := s.peek(); {
		case c == '"':
			s.pass()
		case c == '-' || c >= '0' && c <= '9':
			s.number()
		case c == 't':
			s.literal("true")
		case c == 'f':
			s.literal("false")
		case c == 'n':
			s.literal("null")
		case c == '{' || c == '[':
			s.at++
			if closer := c + 2; s.peek() == closer {
				s.at++
				break
			}
			if depth == maxDepth {
				s.fail(ErrSyntax, "at most 512 levels")
				return
			}
			closers[depth] = c + 2 // '{' + 2 is '}', '[' + 2 is ']'
			depth++
			if c == '{' {
				s.skipKey()
			}
			continue
		default:
			s.fail(ErrSyntax, "a value")
		}
		// After a value: what comes next on its level, or the ends of levels.
		for {
			if s.err != nil || depth == 0 {
				return
			}
			c := s.peek()
			if c == closers[depth-1] {
				s.at++
				depth--
				continue
			}
			if c != ',' {
				s.fail(ErrSyntax, "a comma or an end")
				return
			}
			s.at++
			if closers[depth-1] == '}' {
				s.skipKey()
			}
			break
		}
		if s.err != nil {
			return
		}
	}
}

func (s *Scanner) skipKey() {
	if s.peek() != '"' {
		s.fail(ErrSyntax, "a key")
		return
	}
	s.pass()
	if s.peek() != ':' {
		s.fail(ErrSyntax, "a colon")
		return
	}
	s.at++
}
