package wire

import (
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// head is a request's head that was found to be plain.
type head struct {
	header http.Header
	host   string
	target string // X-Amz-Target
	length int    // of the body
	size   int    // of the head itself
}

// directLine is the only request line that is answered without net/http.
const directLine = "POST / HTTP/1.1\r\n"

// mayBeDirect says whether a request that begins so can still turn out plain.
func mayBeDirect(begin []byte) bool {
	n := min(len(begin), len(directLine))
	return string(begin[:n]) == directLine[:n]
}

// leftToHTTP are headers that change how a message is read or its connection used.
var leftToHTTP = map[string]bool{
	"Expect": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// parseHead reads a head whose lines all end in CRLF. Where anything is not plain, be it wrong or
// merely rare, ok is false, and net/http decides what it means.
func parseHead(text string) (h head, ok bool) {
	rest, found := strings.CutPrefix(text, directLine)
	if !found {
		return h, false
	}
	h.header, h.length = make(http.Header, 16), -1
	values := make([]string, 0, 16)
	hosts := 0
	for rest != "" {
		var line string
		line, rest, found = strings.Cut(rest, "\r\n")
		name, value, colon := strings.Cut(line, ":")
		if !found || !colon || !plainName(name) || !plainValue(value) {
			return h, false
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		switch {
		case leftToHTTP[name] || h.header[name] != nil || name == "Connection" && !strings.EqualFold(value, "keep-alive"):
			return h, false
		case name == "Host":
			h.host = value
			hosts++
			continue // net/http, too, keeps it out of the header
		case name == "Content-Length":
			if h.length = parseLength(value); h.length < 0 {
				return h, false
			}
		case name == "X-Amz-Target":
			h.target = value
		}
		values = append(values, value)
		h.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return h, hosts == 1 && h.host != "" && plainHost(h.host) && h.length >= 0
}

// parseLength reads a Content-Length, -1 if it is not one.
func parseLength(value string) int {
	if len(value) == 0 || len(value) > 9 {
		return -1
	}
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return -1
		}
	}
	n, _ := strconv.Atoi(value)
	return n
}

// plainName says whether a header's name is made of letters, digits, - and _ only.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// plainValue says whether a header's value is printable ASCII, with spaces and tabs.
func plainValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// plainHost says whether a host is made of what names, addresses and ports are.
func plainHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == ':', c == '[', c == ']', c == '_':
		default:
			return false
		}
	}
	return true
}

// request is the request as net/http would have it.
func (h *head) request(remote string, body io.ReadCloser) *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, RequestURI: "/",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h.header, Host: h.host, Body: body, ContentLength: int64(h.length),
		RemoteAddr: remote,
	}
}
