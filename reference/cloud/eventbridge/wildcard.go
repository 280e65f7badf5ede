package eventbridge

import "strings"

// wildcard is a compiled wildcard pattern: the literals between its stars. A
// pattern without a star is one literal.
type wildcard []string

// maxRepeats is how many stars of a pattern may be followed by the same byte.
// AWS refuses patterns that would need too many states at once and does not
// give its formula; this bound agrees with its documented examples.
const maxRepeats = 4

// compileWildcard reads a wildcard pattern. A star stands for any text, also
// none; \* and \\ are a star and a backslash.
func compileWildcard(text string, path []string) (wildcard, error) {
	var w wildcard
	var literal strings.Builder
	star := false // the character before was a wildcard
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '*' && star:
			return nil, invalid(path, "consecutive wildcard characters at pos %d", i)
		case c == '*':
			w = append(w, literal.String())
			literal.Reset()
			star = true
			continue
		case c == '\\':
			i++
			if i == len(text) || (text[i] != '*' && text[i] != '\\') {
				return nil, invalid(path, "invalid escape character at pos %d", i-1)
			}
			c = text[i]
		}
		literal.WriteByte(c)
		star = false
	}
	w = append(w, literal.String())
	var repeats [256]int
	for _, after := range w[1:] {
		if after == "" {
			continue
		}
		if repeats[after[0]]++; repeats[after[0]] > maxRepeats {
			return nil, invalid(path, "rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")
		}
	}
	return w, nil
}

// match reports whether the whole text fits. Taking the first place where each
// literal fits is enough, as only the last one is tied to the end.
func (w wildcard) match(text string) bool {
	last := len(w) - 1
	if last == 0 {
		return text == w[0]
	}
	text, ok := strings.CutPrefix(text, w[0])
	if !ok {
		return false
	}
	for _, literal := range w[1:last] {
		i := strings.Index(text, literal)
		if i < 0 {
			return false
		}
		text = text[i+len(literal):]
	}
	return strings.HasSuffix(text, w[last])
}
