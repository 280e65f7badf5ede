package item

import "encoding/base64"

// AppendJSON appends the document as the wire's JSON: {"name":{"S":"…"},…}.
func AppendJSON(dst []byte, d Doc) []byte {
	dst = append(dst, '{')
	first := true
	for rest := d; len(rest) > 0; {
		var name []byte
		var v Value
		name, v, rest = rest.Next()
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJSONString(dst, name)
		dst = append(dst, ':')
		dst = AppendValueJSON(dst, v)
	}
	return append(dst, '}')
}

// AppendValueJSON appends one value as the wire's JSON, such as {"N":"1.5"}.
func AppendValueJSON(dst []byte, v Value) []byte {
	switch t := v.Type(); t {
	case String:
		dst = append(dst, `{"S":`...)
		dst = AppendJSONString(dst, v.Payload())
	case Number:
		dst = append(dst, `{"N":"`...)
		dst = AppendNumberText(dst, v.Payload())
		dst = append(dst, '"')
	case Binary:
		dst = append(dst, `{"B":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, v.Payload())
		dst = append(dst, '"')
	case Bool:
		if v.True() {
			return append(dst, `{"BOOL":true}`...)
		}
		return append(dst, `{"BOOL":false}`...)
	case Null:
		return append(dst, `{"NULL":true}`...)
	case List:
		dst = append(dst, `{"L":[`...)
		first := true
		for e := range v.Elements() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendValueJSON(dst, e)
		}
		dst = append(dst, ']')
	case Map:
		dst = append(dst, `{"M":`...)
		dst = AppendJSON(dst, v.Doc())
	default:
		dst = append(dst, '{', '"')
		dst = append(dst, t.String()...)
		dst = append(dst, '"', ':', '[')
		first := true
		for m := range v.Members() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			switch t {
			case NumberSet:
				dst = append(dst, '"')
				dst = AppendNumberText(dst, m)
				dst = append(dst, '"')
			case BinarySet:
				dst = append(dst, '"')
				dst = base64.StdEncoding.AppendEncode(dst, m)
				dst = append(dst, '"')
			default:
				dst = AppendJSONString(dst, m)
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends a string in quotes, escaped as JSON wants.
func AppendJSONString[S []byte | string](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
