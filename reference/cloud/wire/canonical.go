package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// appendCanonicalRequest appends the canonical form of a request, over which a
// signature is made: method, path, query, headers, names of headers, payload
// hash, a line each.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func appendCanonicalRequest(dst []byte, r *http.Request, signedHeaders string, presigned bool, payloadHash string) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst = appendCanonicalPath(dst, r.URL)
	dst = append(dst, '\n')
	dst = appendCanonicalQuery(dst, r.URL.RawQuery, presigned)
	dst = append(dst, '\n')
	for rest := signedHeaders; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = appendCanonicalHeader(dst, r, name)
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, payloadHash...)
}

// appendCanonicalPath appends the path as it was sent, escaped once more, which
// is what every service but S3 signs.
func appendCanonicalPath(dst []byte, u *url.URL) []byte {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	for i := 0; i < len(path); i++ {
		dst = appendEscaped(dst, path[i], true)
	}
	return dst
}

func appendEscaped(dst []byte, c byte, slash bool) []byte {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
		c == '-', c == '.', c == '_', c == '~', slash && c == '/':
		return append(dst, c)
	}
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}

// appendCanonicalQuery appends the parameters, escaped, then sorted by name and
// value. The signature of a pre-signed URL is not part of it.
func appendCanonicalQuery(dst []byte, raw string, presigned bool) []byte {
	if raw == "" {
		return dst
	}
	type parameter struct{ name, value string }
	var list []parameter
	escape := func(s string) string {
		plain, err := url.QueryUnescape(s)
		if err != nil {
			plain = s
		}
		out := make([]byte, 0, len(s))
		for i := 0; i < len(plain); i++ {
			out = appendEscaped(out, plain[i], false)
		}
		return string(out)
	}
	for rest := raw; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		p := parameter{escape(name), escape(value)}
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range list {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return dst
}

// appendCanonicalHeader appends the values of the header with this lower-case
// name, joined by commas, without spaces around and without runs of spaces.
func appendCanonicalHeader(dst []byte, r *http.Request, name string) []byte {
	if name == "host" {
		return appendTrimmed(dst, r.Host)
	}
	values := headerValues(r.Header, name)
	if values == nil && name == "content-length" && r.ContentLength >= 0 {
		return strconv.AppendInt(dst, r.ContentLength, 10)
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTrimmed(dst, v)
	}
	return dst
}

// headerValues looks up a lower-case name without allocating its canonical form.
func headerValues(h http.Header, name string) []string {
	var space [64]byte
	if len(name) > len(space) {
		return h.Values(name)
	}
	key := append(space[:0], name...)
	upper := true
	for i, c := range key {
		if upper && 'a' <= c && c <= 'z' {
			key[i] = c - 'a' + 'A'
		}
		upper = c == '-'
	}
	return h[string(key)]
}

func appendTrimmed(dst []byte, v string) []byte {
	v = strings.TrimSpace(v)
	if !strings.Contains(v, "  ") {
		return append(dst, v...)
	}
	for i := 0; i < len(v); i++ {
		if v[i] == ' ' && v[i-1] == ' ' {
			continue
		}
		dst = append(dst, v[i])
	}
	return dst
}

// payloadHash is the hash that the caller signed for its payload: what
// X-Amz-Content-Sha256 says if it is there, else the hash of the body.
// wrong is true if the header names another payload than the one received.
func payloadHash(r *http.Request, body []byte) (hash string, wrong bool) {
	said := r.Header.Get("X-Amz-Content-Sha256")
	if said == unsignedPayload {
		return said, false
	}
	sum := sha256.Sum256(body)
	hash = hex.EncodeToString(sum[:])
	return hash, said != "" && said != hash
}

// unsignedPayload stands for the payload's hash where the caller did not sign it.
const unsignedPayload = "UNSIGNED-PAYLOAD"
