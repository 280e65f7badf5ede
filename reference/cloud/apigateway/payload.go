package apigateway

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// proxied is what goes into a function's payload.
type proxied struct {
	route    *route
	params   params
	request  *http.Request
	id       string // request id
	identity identity
	api      string // id of the REST API
	stage    string
	body     []byte
	now      time.Time
}

// append writes the Lambda proxy request, format 1.0
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
// A body that is encoded or no UTF-8 goes in base64.
func (p *proxied) append(out []byte) []byte {
	r := p.request
	out = append(out, `{"resource":`...)
	out = appendString(out, p.route.resource)
	out = append(out, `,"path":`...)
	out = appendString(out, r.URL.Path)
	out = append(out, `,"httpMethod":`...)
	out = appendString(out, r.Method)
	out = p.appendHeaders(out)
	out = appendQuery(out, r.URL.RawQuery)
	out = append(out, `,"pathParameters":`...)
	out = appendParams(out, &p.params)
	out = append(out, `,"stageVariables":null,"requestContext":`...)
	out = p.appendContext(out)
	out = append(out, `,"body":`...)
	switch {
	case len(p.body) == 0:
		out = append(out, `null,"isBase64Encoded":false}`...)
	case r.Header["Content-Encoding"] != nil || !utf8.Valid(p.body):
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, p.body)
		out = append(out, `","isBase64Encoded":true}`...)
	default:
		out = appendString(out, p.body)
		out = append(out, `,"isBase64Encoded":false}`...)
	}
	return out
}

// appendHeaders writes each header twice, last value and all values, as AWS does.
func (p *proxied) appendHeaders(out []byte) []byte {
	out = append(out, `,"headers":{"Host":`...)
	out = appendString(out, p.request.Host)
	for name, values := range p.request.Header {
		out = append(out, ',')
		out = appendString(out, name)
		out = append(out, ':')
		out = appendString(out, values[len(values)-1])
	}
	out = append(out, `},"multiValueHeaders":{"Host":[`...)
	out = appendString(out, p.request.Host)
	out = append(out, ']')
	for name, values := range p.request.Header {
		out = append(out, ',')
		out = appendString(out, name)
		out = append(out, ':')
		out = appendStrings(out, values)
	}
	return append(out, '}')
}

func appendStrings(out []byte, values []string) []byte {
	out = append(out, '[')
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, value)
	}
	return append(out, ']')
}

func appendQuery(out []byte, raw string) []byte {
	if raw == "" {
		return append(out, `,"queryStringParameters":null,"multiValueQueryStringParameters":null`...)
	}
	query, _ := url.ParseQuery(raw) // what cannot be read is left out
	out = append(out, `,"queryStringParameters":{`...)
	first := true
	for name, values := range query {
		if !first {
			out = append(out, ',')
		}
		first = false
		out = appendString(out, name)
		out = append(out, ':')
		out = appendString(out, values[len(values)-1])
	}
	out = append(out, `},"multiValueQueryStringParameters":{`...)
	first = true
	for name, values := range query {
		if !first {
			out = append(out, ',')
		}
		first = false
		out = appendString(out, name)
		out = append(out, ':')
		out = appendStrings(out, values)
	}
	return append(out, '}')
}

func appendParams(out []byte, p *params) []byte {
	if p.n == 0 {
		return append(out, `null`...)
	}
	for i, q := range p.list[:p.n] {
		out = append(out, "{,"[min(i, 1)])
		out = appendString(out, q.name)
		out = append(out, ':')
		out = appendString(out, q.value)
	}
	return append(out, '}')
}

func (p *proxied) appendContext(out []byte) []byte {
	r := p.request
	out = append(out, `{"accountId":"000000000000","apiId":`...)
	out = appendString(out, p.api)
	out = append(out, `,"stage":`...)
	out = appendString(out, p.stage)
	out = append(out, `,"requestId":`...)
	out = appendString(out, p.id)
	out = append(out, `,"resourcePath":`...)
	out = appendString(out, p.route.resource)
	out = append(out, `,"operationName":`...)
	out = appendString(out, p.route.operation)
	out = append(out, `,"httpMethod":`...)
	out = appendString(out, r.Method)
	out = append(out, `,"path":`...)
	out = appendString(out, r.URL.Path)
	out = append(out, `,"protocol":`...)
	out = appendString(out, r.Proto)
	out = append(out, `,"requestTimeEpoch":`...)
	out = strconv.AppendInt(out, p.now.UnixMilli(), 10)
	out = append(out, `,"identity":{"sourceIp":`...)
	out = appendString(out, sourceIP(r.RemoteAddr))
	out = append(out, `,"userAgent":`...)
	out = appendString(out, r.UserAgent())
	if key := p.identity.key; key != nil {
		out = append(out, `,"apiKeyId":`...)
		out = appendString(out, key.ID)
	}
	out = append(out, '}')
	if p.identity.tenant != "" {
		out = append(out, `,"authorizer":{"tenant":`...)
		out = appendString(out, p.identity.tenant)
		out = append(out, '}')
	}
	return append(out, '}')
}

func sourceIP(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return strings.TrimSpace(remote)
	}
	return host
}

const hexDigits = "0123456789abcdef"

// plain says which bytes stand for themselves in a JSON string.
var plain = func() (table [256]bool) {
	for c := 0x20; c < 256; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString writes text as a JSON string. Text that is no UTF-8 stays what it is: headers
// and paths of HTTP may be anything, and only bodies are checked.
func appendString[T string | []byte](out []byte, text T) []byte {
	out = append(out, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if plain[c] {
			continue
		}
		out = append(out, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(out, text[from:]...), '"')
}
