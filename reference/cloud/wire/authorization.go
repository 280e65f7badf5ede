package wire

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
)

// authorization is what a request says about its own signature.
type authorization struct {
	scope
	signedHeaders string // lower case, joined by semicolons
	signature     string // 64 hexadecimal digits
	date          string // as signed, in timeFormat
	presigned     bool
	expires       time.Duration // of a pre-signed URL
}

// credentialScope is the scope as it is written in the string to sign.
func (a *authorization) credentialScope() string {
	return a.day + "/" + a.region + "/" + a.service + "/aws4_request"
}

// parseAuthorization finds the Signature Version 4 of a request, in its
// Authorization header or in the query of a pre-signed URL. ok is false if the
// request has none; a signature that is there but incomplete is an error.
func parseAuthorization(r *http.Request) (a authorization, ok bool, err *Error) {
	if header := r.Header.Get("Authorization"); strings.HasPrefix(header, algorithm) {
		a, err = parseHeader(r, header)
		return a, true, err
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") {
		a, err = parsePresigned(r.URL.Query())
		return a, true, err
	}
	return authorization{}, false, nil
}

func parseHeader(r *http.Request, header string) (a authorization, err *Error) {
	rest := header[len(algorithm):]
	var credential string
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			a.signedHeaders = value
		case "Signature":
			a.signature = value
		}
	}
	a.date = r.Header.Get("X-Amz-Date")
	if a.date == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			a.date = t.UTC().Format(timeFormat)
		}
	}
	for _, part := range [...]struct{ name, value string }{
		{"Credential", credential}, {"SignedHeaders", a.signedHeaders}, {"Signature", a.signature},
	} {
		if part.value == "" {
			return a, incomplete("Authorization header requires '%s' parameter. Authorization=%s", part.name, header)
		}
	}
	if a.date == "" {
		return a, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=%s", header)
	}
	return a, a.setCredential(credential)
}

func parsePresigned(q url.Values) (a authorization, err *Error) {
	if q.Get("X-Amz-Algorithm") != algorithm {
		return a, incomplete("Unsupported AWS 'algorithm': '%s'.", q.Get("X-Amz-Algorithm"))
	}
	a.presigned = true
	a.signedHeaders = q.Get("X-Amz-SignedHeaders")
	a.signature = q.Get("X-Amz-Signature")
	a.date = q.Get("X-Amz-Date")
	a.expires = defaultExpires
	for _, name := range [...]string{"X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date"} {
		if q.Get(name) == "" {
			return a, incomplete("AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", name)
		}
	}
	if s := q.Get("X-Amz-Expires"); s != "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds < 1 || seconds > int64(maxExpires/time.Second) {
			return a, incomplete("X-Amz-Expires must be between 1 and %d seconds, not %q.", int64(maxExpires/time.Second), s)
		}
		a.expires = time.Duration(seconds) * time.Second
	}
	return a, a.setCredential(q.Get("X-Amz-Credential"))
}

const (
	// defaultExpires is how long a pre-signed URL without X-Amz-Expires lives.
	// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
	defaultExpires = 15 * time.Minute
	// maxExpires is the longest life of a pre-signed URL, 7 days. Same source.
	maxExpires = 7 * 24 * time.Hour
)

// setCredential splits accessKey/day/region/service/aws4_request, from the
// right, since an access key id may hold a slash.
func (a *authorization) setCredential(credential string) *Error {
	rest := credential
	cut := func() string {
		i := strings.LastIndexByte(rest, '/')
		if i < 0 {
			return ""
		}
		part := rest[i+1:]
		rest = rest[:i]
		return part
	}
	terminal := cut()
	a.service = cut()
	a.region = cut()
	a.day = cut()
	a.accessKey = rest
	if terminal != "aws4_request" || a.service == "" || a.region == "" || a.accessKey == "" || len(a.day) != 8 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	if !strings.HasPrefix(a.date, a.day) {
		return Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			a.day, a.date[:min(8, len(a.date))], a.date)
	}
	return nil
}

func incomplete(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "IncompleteSignatureException", format, args...)
}
