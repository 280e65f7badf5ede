package jsonread

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// build reads any value into the form encoding/json gives, numbers as json.Number.
func build(c *Cursor, depth int) any {
	if depth > maxSkipDepth {
		c.Fail("too deep")
		return nil
	}
	switch c.Peek() {
	case '{':
		m := map[string]any{}
		c.BeginObject()
		for {
			k, ok := c.NextKey()
			if !ok {
				return m
			}
			m[string(k)] = build(c, depth+1)
		}
	case '[':
		l := []any{}
		c.BeginArray()
		for c.NextElement() {
			l = append(l, build(c, depth+1))
		}
		return l
	case '"':
		return string(c.String())
	case 't', 'f':
		return c.Bool()
	case 'n':
		c.Null()
		return nil
	default:
		return json.Number(c.Number())
	}
}

func TestCursorReadsWhatEncodingJSONReads(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , -2.5e+3 , true , false , null , "x\n\"\\\/\u00e4\ud83d\ude00" ] , "b":{"c":{}} } `,
		`"\ud800"`, `"\ud800\u0041"`, `"äöü😀"`, `0`, `-0.1E-7`,
	} {
		var want any
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		c := New([]byte(text))
		got := build(&c, 0)
		c.End()
		require.NoError(t, c.Err(), text)
		gotJSON, err := json.Marshal(got)
		require.NoError(t, err)
		wantJSON, _ := json.Marshal(decode(t, text))
		require.JSONEq(t, string(wantJSON), string(gotJSON))
		s := New([]byte(text))
		s.Skip()
		s.End()
		require.NoError(t, s.Err(), text)
	}
}

func TestCursorRefusesWhatIsNotJSON(t *testing.T) {
	for _, text := range []string{
		``, `{`, `[`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `[1 2]`, `{"a":1 "b":2}`, `"`, `"\x"`, `"\u12"`, `"\u12g4"`,
		"\"a\nb\"", "\"\xff\"", "\"\\n\xff\"", `01`, `1.`, `.5`, `-`, `1e`, `tru`, `nul`, `fals`, `{} {}`, `1 1`, `{1:2}`, `+1`,
	} {
		require.False(t, json.Valid([]byte(text)) && text != "\"\xff\"" && text != "\"\\n\xff\"", text)
		c := New([]byte(text))
		c.Skip()
		c.End()
		require.ErrorIs(t, c.Err(), ErrSyntax, text)
	}
}

func TestCursorInt(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-17": -17, "2.9": 2, "900000000000000000": 9e17} {
		c := New([]byte(text))
		require.Equal(t, want, c.Int())
		require.NoError(t, c.Err())
	}
	for _, text := range []string{"99999999999999999999", "1e3", `"1"`, "true"} {
		c := New([]byte(text))
		c.Int()
		require.ErrorIs(t, c.Err(), ErrSyntax, text)
	}
}

func TestCursorBoundsTheDepthOfASkippedValue(t *testing.T) {
	deep := make([]byte, 1<<20)
	for i := range deep {
		deep[i] = '['
	}
	c := New(deep)
	c.Skip()
	require.ErrorContains(t, c.Err(), "nested deeper")
}

func decode(t *testing.T, text string) any {
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	return v
}

func FuzzCursorAgreesWithEncodingJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":null}]}`, `"\ud83d\ude00"`, `[-1.5e3]`, `{"a":1,}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := New(text)
		got := build(&c, 0)
		c.End()
		if c.Err() != nil {
			return // stricter on UTF-8 and depth
		}
		require.True(t, json.Valid(text), "%q", text)
		gotJSON, err := json.Marshal(got)
		require.NoError(t, err)
		var a, b any
		require.NoError(t, json.Unmarshal(text, &a))
		require.NoError(t, json.Unmarshal(gotJSON, &b))
		require.Equal(t, a, b)
	})
}

// A byte that means something is found wherever it stands.
func TestStringsEndWhereTheyEnd(t *testing.T) {
	for length := range 20 {
		for at := range length + 1 {
			for b := range 256 {
				raw := []byte(`"` + strings.Repeat("a", length) + `" `)
				raw[1+at] = byte(b)
				var want string
				c := New(raw)
				got := string(c.String())
				err := json.NewDecoder(bytes.NewReader(raw)).Decode(&want)
				if b >= utf8.RuneSelf { // encoding/json replaces what is not UTF-8
					require.Error(t, c.Err())
					continue
				}
				require.Equal(t, err == nil, c.Err() == nil, "%q", raw)
				if err == nil {
					require.Equal(t, want, got, "%q", raw)
				}
			}
		}
	}
}

func BenchmarkString(b *testing.B) {
	text := []byte(`"` + strings.Repeat("QUJD", 100) + `"`)
	for b.Loop() {
		c := New(text)
		c.String()
	}
	b.SetBytes(int64(len(text)))
}
