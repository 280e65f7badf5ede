package rest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Header is one header of an answer.
type Header struct{ Name, Value string }

// RetryAfter asks the client to wait this many whole seconds.
func RetryAfter(seconds int) Header { return Header{"Retry-After", strconv.Itoa(seconds)} }

// Problem is the body of every answer that is not a success and not about single events.
type Problem struct {
	Message     string `json:"message"`
	Code        string `json:"code"` // stable, such as "body_too_large"
	Correlation string `json:"correlation_id"`
}

// Answer is the proxy response with a body that is already JSON.
func Answer(status int, correlation string, body []byte, extra ...Header) []byte {
	out := make([]byte, 0, len(body)+len(body)/8+224)
	out = append(out, `{"statusCode":`...)
	out = strconv.AppendInt(out, int64(status), 10)
	out = append(out, `,"headers":{"Content-Type":"application/json","X-Correlation-Id":`...)
	out = AppendString(out, correlation)
	for _, h := range extra {
		out = append(out, ',')
		out = AppendString(out, h.Name)
		out = append(out, ':')
		out = AppendString(out, h.Value)
	}
	out = append(out, `},"isBase64Encoded":false,"body":`...)
	out = AppendString(out, body)
	return append(out, '}')
}

// AnswerValue is [Answer] with a value that encoding/json can write. Values are our own
// structs; one that cannot be written is a broken invariant and panics.
func AnswerValue(status int, correlation string, value any, extra ...Header) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("answer of %T: %v", value, err))
	}
	return Answer(status, correlation, body, extra...)
}

// Refuse answers with a [Problem].
func Refuse(status int, correlation, code, message string, extra ...Header) []byte {
	return AnswerValue(status, correlation, Problem{Message: message, Code: code, Correlation: correlation}, extra...)
}

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString[T string | []byte](out []byte, text T) []byte {
	out = append(out, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			if r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
			out = append(append(out, text[from:i]...), `\ufffd`...)
		} else {
			out = append(out, text[from:i]...)
			switch c {
			case '"', '\\':
				out = append(out, '\\', c)
			case '\n':
				out = append(out, '\\', 'n')
			default:
				out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		i++
		from = i
	}
	return append(append(out, text[from:]...), '"')
}
