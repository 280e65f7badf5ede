package ingestion

import (
	"unicode/utf8"

	"github.com/retailflow/stampede/reference/functions/rest"
)

// customEvent takes one CloudEvent in structured mode, by the rules of a batch's.
func customEvent(w *webhook, out *event) (made bool, r *refusal) {
	if !utf8.ValidString(w.body) {
		return false, refuse(codeBody, "the body is not a CloudEvent in UTF-8")
	}
	s := rest.NewScanner(w.body)
	var in incoming
	r = in.take(s, w.allowed, out)
	if !s.End() {
		return false, refuse(codeBody, "the body is not a CloudEvent: %s", clip(s.Err().Error()))
	}
	return r == nil, r
}
