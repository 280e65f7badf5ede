package dynamodb

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressFrom is the size in bytes from which on an answer is compressed for a caller who takes
// gzip. AWS does not document its own; it was seen to begin about there.
// https://github.com/aio-libs/aiobotocore/pull/57
const compressFrom = 5 << 10

// takesGzip says whether the caller accepts a compressed answer.
func takesGzip(r *http.Request) bool {
	if r == nil {
		return false
	}
	for _, list := range r.Header["Accept-Encoding"] {
		for one := range strings.SplitSeq(list, ",") {
			name, weight, _ := strings.Cut(one, ";")
			if strings.TrimSpace(name) == "gzip" {
				return strings.ReplaceAll(weight, " ", "") != "q=0"
			}
		}
	}
	return false
}

var gzips = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one of the package's own
	}
	return w
}}

// compressed is a text in gzip's form.
func compressed(text []byte) ([]byte, error) {
	w := gzips.Get().(*gzip.Writer)
	defer gzips.Put(w)
	out := bytes.NewBuffer(make([]byte, 0, len(text)/4))
	w.Reset(out)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
