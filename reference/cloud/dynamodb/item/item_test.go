package item

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// doc parses an item; the test fails if it is not allowed.
func doc(t testing.TB, text string) Doc {
	t.Helper()
	d := NewDecoder([]byte(text))
	out := d.Doc(nil)
	d.End()
	require.NoError(t, d.Err(), text)
	require.NoError(t, d.Invalid, text)
	return out
}

func text(d Doc) string { return string(AppendJSON(nil, d)) }

func TestItemsRoundTripSortedByName(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                              `{}`,
		`{"b":{"S":"x"},"a":{"N":"1.0"}}`: `{"a":{"N":"1"},"b":{"S":"x"}}`,
		`{"a":{"S":""},"b":{"B":""},"c":{"L":[]},"d":{"M":{}}}`:                                  `{"a":{"S":""},"b":{"B":""},"c":{"L":[]},"d":{"M":{}}}`,
		`{"n":{"NULL":true},"t":{"BOOL":true},"f":{"BOOL":false}}`:                               `{"f":{"BOOL":false},"n":{"NULL":true},"t":{"BOOL":true}}`,
		`{"s":{"SS":["b","a"]},"n":{"NS":["10","9","-1"]},"b":{"BS":["/w==","AA=="]}}`:           `{"b":{"BS":["AA==","/w=="]},"n":{"NS":["-1","9","10"]},"s":{"SS":["a","b"]}}`,
		`{"m":{"M":{"z":{"L":[{"N":"1"},{"M":{"y":{"S":"\u00e4\"\n\u0001"}}}]},"a":{"S":"1"}}}}`: `{"m":{"M":{"a":{"S":"1"},"z":{"L":[{"N":"1"},{"M":{"y":{"S":"ä\"\n\u0001"}}}]}}}}`,
		`{"a":{"S":"first"},"a":{"S":"last"}}`:                                                   `{"a":{"S":"last"}}`,
	} {
		require.Equal(t, want, text(doc(t, in)), in)
	}
}

func TestLongContainersRoundTrip(t *testing.T) {
	for _, n := range []int{1, 126, 127, 128, 129, 16382, 16384, 300000} {
		in := fmt.Sprintf(`{"m":{"M":{"l":{"L":[{"S":"%s"}]}}}}`, strings.Repeat("x", n))
		require.Equal(t, in, text(doc(t, in)))
	}
}

func TestValuesThatAreNotAllowedAreRefused(t *testing.T) {
	for value, want := range map[string]string{
		`{}`:                     "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"X":"1"}`:              "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":"a","N":"1"}`:      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`{"NULL":false}`:         "One or more parameter values were invalid: Null attribute value types must have the value of true",
		`{"SS":[]}`:              "One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`:              "One or more parameter values were invalid: An number set  may not be empty",
		`{"BS":[]}`:              "One or more parameter values were invalid: Binary sets should not be empty",
		`{"SS":["b","a","b"]}`:   "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.",
		`{"NS":["1","1.0"]}`:     "Input collection contains duplicates",
		`{"BS":["AA==","AA=="]}`: "One or more parameter values were invalid: Input collection [AA==, AA==]of type BS contains duplicates.",
		`{"N":"x"}`:              "The parameter cannot be converted to a numeric value: x",
		`{"N":"1e999"}`:          ErrNumberOverflow.Error(),
		`{"L":[{"M":{"a":{}}}]}`: "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		strings.Repeat(`{"L":[`, 33) + `{"S":"x"}` + strings.Repeat(`]}`, 33): "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
	} {
		d := NewDecoder([]byte(`{"ok":{"S":"x"},"key":` + value + `}`))
		d.Doc(nil)
		d.End()
		require.NoError(t, d.Err(), value)
		require.EqualError(t, d.Invalid, want, value)
		require.Equal(t, "key", d.InvalidKey)
	}
	doc(t, `{"a":`+strings.Repeat(`{"L":[`, 32)+`{"S":"x"}`+strings.Repeat(`]}`, 32)+`}`)
}

func TestTextThatIsNotOfTheWireIsASyntaxError(t *testing.T) {
	for _, value := range []string{
		`"x"`, `[]`, `1`, `{"S":1}`, `{"N":1}`, `{"BOOL":"maybe"}`, `{"B":"a"}`, `{"B":"AA=\n="}`, `{"B":"AB=="}`, `{"SS":"a"}`, `{"SS":[1]}`,
		`{"L":{}}`, `{"M":[]}`, `{"L":[1]}`, strings.Repeat(`{"L":[`, 200),
	} {
		d := NewDecoder([]byte(`{"key":` + value + `}`))
		d.Doc(nil)
		require.Error(t, d.Err(), value)
	}
}

func TestSizeCountsAsDynamoDBDoes(t *testing.T) {
	for in, want := range map[string]int{
		`{"ab":{"S":"äx"}}`:                     2 + 3,
		`{"a":{"N":"0"}}`:                       1 + 1,
		`{"a":{"N":"123"}}`:                     1 + 2 + 1,
		`{"a":{"N":"-1234"}}`:                   1 + 2 + 1 + 1,
		`{"a":{"B":"AAAA"}}`:                    1 + 3,
		`{"a":{"BOOL":true},"b":{"NULL":true}}`: 4,
		`{"a":{"L":[{"S":"xy"},{"N":"1"}]}}`:    1 + 3 + (1 + 2) + (1 + 2),
		`{"a":{"M":{"bc":{"S":"xy"}}}}`:         1 + 3 + (1 + 2 + 2),
		`{"a":{"SS":["x","yz"]}}`:               1 + 3,
		`{"a":{"NS":["1","22"]}}`:               1 + 2 + 2,
	} {
		require.Equal(t, want, doc(t, in).Size(), in)
	}
}

func TestProjectionCutsPathsOut(t *testing.T) {
	d := doc(t, `{"a":{"S":"1"},"b":{"M":{"c":{"L":[{"S":"x"},{"S":"y"},{"M":{"d":{"N":"1"},"e":{"N":"2"}}}]},"f":{"S":"z"}}},"g":{"S":"2"}}`)
	b := Key("b")
	for _, c := range []struct {
		paths []Path
		want  string
	}{
		{[]Path{{Key("g")}, {Key("a")}}, `{"a":{"S":"1"},"g":{"S":"2"}}`},
		{[]Path{{Key("zz")}}, `{}`},
		{[]Path{{b, Key("f")}}, `{"b":{"M":{"f":{"S":"z"}}}}`},
		{[]Path{{b, Key("c"), Step{Index: 2}, Key("e")}, {b, Key("c"), Step{Index: 0}}}, `{"b":{"M":{"c":{"L":[{"S":"x"},{"M":{"e":{"N":"2"}}}]}}}}`},
		{[]Path{{b, Key("c"), Step{Index: 9}}}, `{}`},
		{[]Path{{Key("a"), Key("x")}, {b, Key("x"), Key("y")}, {b, Step{Index: 0}}}, `{}`},
		{[]Path{{b}, {b, Key("f")}}, text(doc(t, `{"b":`+string(AppendValueJSON(nil, d.Get("b")))+`}`))},
	} {
		require.Equal(t, c.want, text(NewProjection(c.paths).Append(nil, d)), "%v", c.paths)
	}
	require.Equal(t, `{"N":"2"}`, string(AppendValueJSON(nil, d.Lookup(Path{b, Key("c"), Step{Index: 2}, Key("e")}))))
	require.Nil(t, d.Lookup(Path{b, Key("c"), Step{Index: 3}}))
	require.Nil(t, d.Lookup(Path{Key("a"), Key("x"), Key("y")}))
}

func TestNodeEdits(t *testing.T) {
	v := doc(t, `{"v":{"S":"new"}}`).Get("v")
	at := func(i int) Step { return Step{Index: i} }
	for _, c := range []struct {
		name, in, want string
		edit           func(n *Node) error
	}{
		{"set a new name", `{"b":{"S":"1"}}`, `{"a":{"S":"new"},"b":{"S":"1"}}`, func(n *Node) error { return n.Set(Path{Key("a")}, v) }},
		{"replace", `{"a":{"S":"1"}}`, `{"a":{"S":"new"}}`, func(n *Node) error { return n.Set(Path{Key("a")}, v) }},
		{"nested", `{"m":{"M":{"l":{"L":[{"N":"1"},{"N":"2"}]}}}}`, `{"m":{"M":{"l":{"L":[{"N":"1"},{"S":"new"}]}}}}`,
			func(n *Node) error { return n.Set(Path{Key("m"), Key("l"), at(1)}, v) }},
		{"past the end, in order", `{"l":{"L":[]}}`, `{"l":{"L":[{"BOOL":true},{"S":"new"}]}}`, func(n *Node) error {
			if err := n.Set(Path{Key("l"), at(9)}, v); err != nil {
				return err
			}
			return n.Set(Path{Key("l"), at(7)}, Value{byte(Bool)})
		}},
		{"remove by old indexes", `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]}}`, `{"l":{"L":[{"N":"1"},{"N":"3"}]}}`, func(n *Node) error {
			if err := n.Remove(Path{Key("l"), at(0)}); err != nil {
				return err
			}
			if err := n.Remove(Path{Key("l"), at(99)}); err != nil {
				return err
			}
			return n.Remove(Path{Key("l"), at(2)})
		}},
		{"remove what is not there", `{"a":{"S":"1"}}`, `{"a":{"S":"1"}}`, func(n *Node) error { return n.Remove(Path{Key("b")}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := EditDoc(doc(t, c.in))
			require.NoError(t, c.edit(n))
			require.Equal(t, c.want, text(n.AppendDoc(nil)))
		})
	}
	for _, p := range []Path{{Key("a"), Key("b")}, {Key("x"), Key("b")}, {Key("l"), Key("b")}, {Key("m"), at(0)}, {Key("l"), at(1), Key("b")}} {
		n := EditDoc(doc(t, `{"a":{"S":"1"},"l":{"L":[]},"m":{"M":{}}}`))
		require.ErrorIs(t, n.Set(p, v), ErrPath, "%v", p)
		require.ErrorIs(t, n.Remove(p), ErrPath, "%v", p)
	}
}

func TestSetsUniteAndSubtract(t *testing.T) {
	d := doc(t, `{"a":{"NS":["1","3","5"]},"b":{"NS":["0","3","9"]},"c":{"NS":["1","3","5","7"]}}`)
	require.Equal(t, `{"NS":["0","1","3","5","9"]}`, string(AppendValueJSON(nil, UnionSets(nil, d.Get("a"), d.Get("b")))))
	left, ok := SubtractSets(nil, d.Get("a"), d.Get("b"))
	require.True(t, ok)
	require.Equal(t, `{"NS":["1","5"]}`, string(AppendValueJSON(nil, left)))
	_, ok = SubtractSets(nil, d.Get("a"), d.Get("c"))
	require.False(t, ok)
}

// scalar draws a key value of one type.
func scalar(typ Type) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		if typ == Number {
			n, err := AppendNumber(nil, []byte(number.Draw(t, "n")))
			require.NoError(t, err)
			return AppendScalar(nil, Number, n)
		}
		b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 'b', 0xfe, 0xff}), 0, 6).Draw(t, "bytes")
		return AppendScalar(nil, typ, b)
	})
}

// The twin of the key encodings: compare partition keys for equality only, then the sort
// keys' payloads, then the suffix.
func TestKeysOrderAsTheirValuesDo(t *testing.T) {
	for _, typ := range []Type{String, Number, Binary} {
		rapid.Check(t, func(t *rapid.T) {
			pk := rapid.OneOf(scalar(String), scalar(Number), scalar(Binary))
			p, q := pk.Draw(t, "p"), pk.Draw(t, "q")
			a, b := scalar(typ).Draw(t, "a"), scalar(typ).Draw(t, "b")
			kp, kq := AppendPartitionKey(nil, p), AppendPartitionKey(nil, q)
			require.Equal(t, bytes.Equal(p, q), bytes.Equal(kp, kq))
			require.True(t, bytes.Equal(p, q) || !bytes.HasPrefix(kp, kq), "one partition's keys are inside another's")
			want := bytes.Compare(a.Payload(), b.Payload())
			require.Equal(t, want, bytes.Compare(AppendSortKey(nil, a), AppendSortKey(nil, b)))
			suffix := rapid.SliceOfN(rapid.Byte(), 0, 3)
			x := append(AppendSortKeyInside(nil, a), suffix.Draw(t, "x")...)
			y := append(AppendSortKeyInside(nil, b), suffix.Draw(t, "y")...)
			if want != 0 {
				require.Equal(t, want, bytes.Compare(x, y))
			}
			require.Equal(t, bytes.HasPrefix(a.Payload(), b.Payload()), bytes.HasPrefix(AppendSortKeyInside(nil, a), AppendSortKeyPrefix(nil, b)))
		})
	}
}

func TestPrefixEndIsTheSmallestAboveAllWithThePrefix(t *testing.T) {
	require.Equal(t, []byte{1, 3}, PrefixEnd([]byte{1, 2}))
	require.Equal(t, []byte{2}, PrefixEnd([]byte{1, 0xff, 0xff}))
	require.Nil(t, PrefixEnd([]byte{0xff}))
	require.Nil(t, PrefixEnd(nil))
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		`{"a":{"S":"x"},"b":{"M":{"c":{"L":[{"N":"1"},{"NS":["1","2"]}]}}}}`, `{"a":{"B":"AA=="},"b":{"BS":["AA=="]}}`,
		`{"a":{"NULL":true},"a":{"BOOL":false}}`, `{"z":{"SS":["b","a"]},"a":{"M":{"b":{"S":""},"a":{"S":""}}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := NewDecoder(in)
		out := Doc(d.Doc(nil))
		d.End()
		if d.Err() != nil || d.Invalid != nil {
			return
		}
		wire := AppendJSON(nil, out)
		require.True(t, json.Valid(wire), "%q became %q", in, wire)
		again := doc(t, string(wire))
		require.Equal(t, string(out), string(again))
		require.GreaterOrEqual(t, out.Size(), 0)
		require.Equal(t, string(out), string(EditDoc(out).AppendDoc(nil)), "an edit that changes nothing")
	})
}

// event is an item of about 300 bytes with the attributes of an event block.
var event = `{"pk":{"S":"T#t0001#E#2026112712#3"},"sk":{"S":"34#stampede-orders/2026/11/27/12/1-7f3a#1#0"},"codec":{"N":"1"},"count":{"N":"20"},` +
	`"block":{"B":"` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xAB, 3, 7}, 60)) + `"},"version":{"S":"17"}}`

func BenchmarkDecode(b *testing.B) {
	in := []byte(event)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		d := NewDecoder(in)
		buf = d.Doc(buf[:0])
	}
}

func BenchmarkEncode(b *testing.B) {
	d := doc(b, event)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendJSON(buf[:0], d)
	}
}
