package ingestion

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scalar is a JSON number or string kept as its text: ids above 2^53 and money never pass
// through a float. null is "".
type scalar string

// UnmarshalJSON takes a number, a string or null.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	switch {
	case bytes.Equal(raw, []byte("null")):
		*s = ""
	case len(raw) > 0 && raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		*s = scalar(text)
	case len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'):
		*s = scalar(raw)
	default:
		return fmt.Errorf("%s is neither a number nor a string", clip(string(raw)))
	}
	return nil
}

// whole is a count that may be written with decimals, such as "3.000000". A fraction is an error.
func (s scalar) whole(name string) (int64, error) {
	digits, decimals, _ := strings.Cut(string(s), ".")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strings.Trim(decimals, "0") != "" {
		return 0, fmt.Errorf("%s %q, want a whole number", name, clip(string(s)))
	}
	return n, nil
}

// decodeBody reads a webhook's body. Webhooks are few, so encoding/json is fast enough.
func decodeBody(body string, into any) *refusal {
	err := errors.New("the body is not a JSON object in UTF-8")
	if utf8.ValidString(body) && strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		err = json.Unmarshal([]byte(body), into)
	}
	if err != nil {
		return refuse(codeBody, "%s", clip(err.Error()))
	}
	return nil
}
