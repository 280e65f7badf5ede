package rest_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/functions/rest"
)

func TestScannerErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"",}`:     `byte 8: want a key: no valid JSON`,
		`{"a" 1}`:       `byte 5: want a colon: no valid JSON`,
		`{"a":"" 2}`:    `byte 8: want a comma or the object's end: no valid JSON`,
		`{"a":"\x"}`:    `byte 7: want an escape: no valid JSON`,
		`{"a":"\u12g4"`: `byte 8: want four hexadecimal digits: no valid JSON`,
		`{"a":"b`:       `byte 7: want the string's end: no valid JSON`,
		`{"a":[]}`:      `byte 5: want a string: another JSON type`,
		`{"a":tru}`:     `byte 5: want true: no valid JSON`,
		`[]`:            `byte 0: want an object: another JSON type`,
		`{} x`:          `byte 3: want the end: no valid JSON`,
		``:              `byte 0: want a value: no valid JSON`,
		`{"a":` + strings.Repeat("[", 514) + strings.Repeat("]", 514) + `}`: `byte 518: want at most 512 levels: no valid JSON`,
	} {
		s := rest.NewScanner(text)
		s.Object(func(string) { s.Text() })
		s.End()
		require.EqualError(t, s.Err(), want, text)
	}
}

// anything reads every kind of value through the scanner's typed methods; integers only.
func anything(s *rest.Scanner, text string) any {
	at := s.Offset()
	for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
		at++
	}
	if at == len(text) {
		s.Skip()
		return nil
	}
	switch text[at] {
	case '{':
		out := map[string]any{}
		s.Object(func(key string) { out[key] = anything(s, text) })
		return out
	case '[':
		out := []any{}
		s.Array(func() { out = append(out, anything(s, text)) })
		return out
	case '"':
		return s.Text()
	case 't', 'f':
		return s.Bool()
	}
	from := s.Offset()
	s.Skip()
	return json.Number(strings.TrimSpace(s.Between(from, s.Offset())))
}

// FuzzScanner holds the scanner against encoding/json: same verdict, same values; and skipping
// ends where reading does.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0.5e+3,null,true,false,"\u00e4\ud83d\ude00\ud800x\/\b"],"a":{}}`, `[[[]]]`, `"\ud800\u0041"`, ` 01`, `-`, `{"a":1,"a":2}`, "\"\x01\"", `1.`, `{"":""}`, `nul`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Count(text, "[")+strings.Count(text, "{") > 500 {
			return
		}
		var want any
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		decoder.UseNumber()
		wantErr := decoder.Decode(&want)
		if wantErr == nil && decoder.More() || !json.Valid([]byte(text)) {
			wantErr = rest.ErrSyntax
		}
		skip := rest.NewScanner(text)
		skip.Skip()
		skip.End()
		require.Equal(t, wantErr == nil, skip.Err() == nil, "%q: %v", text, skip.Err())

		s := rest.NewScanner(text)
		got := anything(s, text)
		s.End()
		require.Equal(t, wantErr == nil, s.Err() == nil, "%q: %v", text, s.Err())
		if wantErr == nil {
			require.True(t, reflect.DeepEqual(normal(want), normal(got)), "%q: want %v, got %v", text, want, got)
		}
	})
}

// normal turns null into the number that anything takes it for.
func normal(value any) any {
	switch v := value.(type) {
	case nil:
		return json.Number("null")
	case map[string]any:
		for key := range v {
			v[key] = normal(v[key])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	}
	return value
}

// FuzzInt holds whole numbers against encoding/json.
func FuzzInt(f *testing.F) {
	for _, text := range []string{"0", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "1.0", "1e2", "01", "null", `"1"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var wantInt int64
		var wantUint uint64
		intErr, uintErr := json.Unmarshal([]byte(text), &wantInt), json.Unmarshal([]byte(text), &wantUint)
		if !utf8.ValidString(text) {
			return
		}
		i, u := rest.NewScanner(text), rest.NewScanner(text)
		gotInt, gotUint := i.Int(), u.Uint()
		i.End()
		u.End()
		require.Equal(t, intErr == nil, i.Err() == nil, "%q: %v, %v", text, intErr, i.Err())
		require.Equal(t, uintErr == nil, u.Err() == nil, "%q: %v, %v", text, uintErr, u.Err())
		if intErr == nil {
			require.Equal(t, wantInt, gotInt)
		}
		if uintErr == nil {
			require.Equal(t, wantUint, gotUint)
		}
	})
}
