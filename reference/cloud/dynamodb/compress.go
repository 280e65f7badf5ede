package dynamodb

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// compressFrom is the size in bytes from which on an answer is compressed for a caller who takes
// that. AWS does not document its own; ScyllaDB's tests of AWS saw it to be this.
// https://github.com/scylladb/scylladb/blob/master/test/alternator/test_compressed_response.py
const compressFrom = 4 << 10

// The encodings of contents, besides none.
const (
	encodingGzip    = "gzip"
	encodingDeflate = "deflate"
)

// acceptedEncoding is the encoding that the caller likes best, or "" for none: of the first
// Accept-Encoding header, as AWS reads it, with forgiveness. Of equals it is the first.
func acceptedEncoding(r *http.Request) string {
	if r == nil || r.Header["Accept-Encoding"] == nil {
		return ""
	}
	best, most, others := "", 0.0, 0.0 // others is the weight of *
	named := map[string]bool{}
	for one := range strings.SplitSeq(r.Header["Accept-Encoding"][0], ",") {
		name, weight := encodingWeight(one)
		switch {
		case name == "*":
			others = weight
		case name != encodingGzip && name != encodingDeflate:
		default:
			named[name] = true
			if weight > most {
				best, most = name, weight
			}
		}
	}
	for _, name := range []string{encodingGzip, encodingDeflate} {
		if !named[name] && others > most {
			best, most = name, others
		}
	}
	return best
}

// encodingWeight reads one entry of an Accept-Encoding header. A weight that cannot be read is 1.
func encodingWeight(entry string) (name string, weight float64) {
	name, parameters, _ := strings.Cut(entry, ";")
	name, weight = strings.ToLower(strings.TrimSpace(name)), 1
	if _, q, ok := strings.Cut(parameters, "q="); ok {
		q, _, _ = strings.Cut(q, ";")
		if w, err := strconv.ParseFloat(strings.TrimSpace(q), 64); err == nil && w < 1 {
			weight = max(w, 0)
		}
	}
	return name, weight
}

// compressor writes an encoding and can be used again.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

var compressors = map[string]*sync.Pool{
	encodingGzip: {New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is one of the package's own
		}
		return w
	}},
	encodingDeflate: {New: func() any {
		w, err := zlib.NewWriterLevel(nil, zlib.BestSpeed)
		if err != nil {
			panic(err)
		}
		return w
	}},
}

// compressed is a text in an encoding.
func compressed(text []byte, encoding string) ([]byte, error) {
	w := compressors[encoding].Get().(compressor)
	defer compressors[encoding].Put(w)
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

// errBody is met with a body that is not what its Content-Encoding says, or too large without
// it. AWS answers with a fault of its own, not the caller's.
var errBody = errors.New("undecodable body of a request")

// decompress replaces a body that came in an encoding with what it stands for.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html
func (c *call) decompress(encoding string) error {
	var in io.Reader
	var err error
	switch strings.ToLower(encoding) {
	case "identity":
		return nil
	case encodingGzip:
		in, err = gzip.NewReader(bytes.NewReader(c.r.Body))
	case encodingDeflate:
		in, err = zlib.NewReader(bytes.NewReader(c.r.Body))
	default:
		err = fmt.Errorf("no such encoding: %q", encoding)
	}
	if err != nil {
		return undecodable(err)
	}
	body, err := io.ReadAll(io.LimitReader(in, MaxBody+1))
	if err != nil {
		return undecodable(err)
	}
	if len(body) > MaxBody {
		return undecodable(fmt.Errorf("larger than %d bytes", MaxBody))
	}
	c.r.Body = body
	return nil
}

// undecodable is the fault that AWS answers with, which is not one of the service.
func undecodable(why error) error {
	return &fault{status: http.StatusInternalServerError, code: codeInternal, message: "Internal server error", kind: fmt.Errorf("%w: %w", errBody, why)}
}
