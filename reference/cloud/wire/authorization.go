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
	header := r.Header.Get("Authorization")
	if strings.Contains(r.URL.RawQuery, queryAlgorithm) {
		if q := r.URL.Query(); q.Has(queryAlgorithm) {
			if header != "" {
				if strings.HasPrefix(header, "AWS4-") {
					a, _ = parseHeader(r, header) // for the service that it names
				}
				return a, true, Errorf(http.StatusBadRequest, "InvalidSignatureException",
					"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
			}
			a, err = parsePresigned(q)
			return a, true, err
		}
	}
	if strings.HasPrefix(header, "AWS4-") {
		a, err = parseHeader(r, header)
		return a, true, err
	}
	return authorization{}, false, nil
}

// queryAlgorithm is the parameter that makes a URL a pre-signed one.
const queryAlgorithm = "X-Amz-Algorithm"

func parseHeader(r *http.Request, header string) (a authorization, err *Error) {
	name, rest, _ := strings.Cut(header, " ")
	var credential string
	for rest != "" { // commas part the fields, and so do spaces
		var field, one string
		field, rest, _ = strings.Cut(rest, ",")
		for field != "" {
			one, field, _ = strings.Cut(field, " ")
			name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
			switch name {
			case "Credential":
				credential = value
			case "SignedHeaders":
				a.signedHeaders = value
			case "Signature":
				a.signature = value
			}
		}
	}
	a.date = r.Header.Get("X-Amz-Date")
	date := r.Header.Get("Date")
	if a.date == "" {
		if t, err := http.ParseTime(date); err == nil {
			a.date = t.UTC().Format(timeFormat)
		}
	}
	if credential == "" || a.signature == "" || a.signedHeaders == "" || a.date == "" && date == "" {
		return a, incompleteHeader(header, credential, &a, date)
	}
	if name != algorithm {
		return a, incomplete("Unsupported AWS 'algorithm': '%s' (only AWS4-HMAC-SHA256 for now). ", name)
	}
	if a.date == "" {
		a.date = date // which no format fits, as will be said
	}
	return a, a.setCredential(credential)
}

// incompleteHeader names all that a header lacks, in AWS's order.
func incompleteHeader(header, credential string, a *authorization, date string) *Error {
	var lacks strings.Builder
	for _, part := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", a.signature}, {"SignedHeaders", a.signedHeaders},
	} {
		if part.value == "" {
			lacks.WriteString("Authorization header requires '" + part.name + "' parameter. ")
		}
	}
	if a.date == "" && date == "" {
		lacks.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return incomplete("%sAuthorization=%s", lacks.String(), header)
}

func parsePresigned(q url.Values) (a authorization, err *Error) {
	var lacks strings.Builder
	for _, name := range [...]string{queryAlgorithm, "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			lacks.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if lacks.Len() > 0 {
		return a, incomplete("%sRe-examine the query-string parameters.", lacks.String())
	}
	if named := q.Get(queryAlgorithm); named != algorithm {
		return a, incomplete("Unsupported AWS 'algorithm': '%s' (only AWS4-HMAC-SHA256 for now). ", named)
	}
	a.presigned = true
	a.signedHeaders = q.Get("X-Amz-SignedHeaders")
	a.signature = q.Get("X-Amz-Signature")
	a.date = q.Get("X-Amz-Date")
	a.expires = defaultExpires
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
