package eventbridge

import (
	"regexp"
	"strings"
)

var trailingComma = regexp.MustCompile(`,(\s*[}\]])`)

// plainJSON takes the comments and the trailing commas out of a JSON5 text, all
// that the vectors use of it.
func plainJSON(text string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(text[i:], "//"):
			for i < len(text) && text[i] != '\n' {
				i++
			}
			b.WriteByte('\n')
			continue
		}
		b.WriteByte(text[i])
	}
	return trailingComma.ReplaceAllString(b.String(), "$1")
}
