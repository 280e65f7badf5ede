package eventbridge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPatternsBehaveAsOnAWS runs vectors recorded from AWS: a file is an event
// and a pattern; a name ending in _NEG must not match, one in _EXC must be
// refused. The excerpt in testdata always runs, the whole set where it lies
// beside the repository.
func TestPatternsBehaveAsOnAWS(t *testing.T) {
	sets := []string{"testdata/patterns"}
	const whole = "../../../../shared/data/aws-vectors/events/event_pattern_templates"
	if _, err := os.Stat(whole); err == nil {
		sets = append(sets, whole)
	}
	for _, dir := range sets {
		files, err := filepath.Glob(filepath.Join(dir, "*.json5"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json5")
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				var vector struct{ Event, EventPattern json.RawMessage }
				require.NoError(t, json.Unmarshal([]byte(plainJSON(string(text))), &vector))
				p, err := CompilePattern(vector.EventPattern)
				if strings.HasSuffix(name, "_EXC") {
					require.ErrorIs(t, err, errPattern, "pattern %s", vector.EventPattern)
					return
				}
				require.NoError(t, err, "pattern %s", vector.EventPattern)
				got, err := p.Match(vector.Event)
				require.NoError(t, err)
				if want := !strings.HasSuffix(name, "_NEG"); got != want {
					t.Errorf("pattern %s on event %s: got %v, want %v", vector.EventPattern, vector.Event, got, want)
				}
			})
		}
	}
}

func TestTheLastOfTwoEqualKeysCounts(t *testing.T) {
	p, err := CompilePattern([]byte(`{"location": [{"prefix": "us-"}], "location": [{"anything-but": "us-east"}]}`))
	require.NoError(t, err)
	got, err := p.Match([]byte(`{"location": "eu-central-1"}`))
	require.NoError(t, err)
	require.True(t, got)
}

func TestPatternsBeyondTheVectors(t *testing.T) {
	for _, c := range []struct {
		pattern, event string
		want           bool
	}{
		{`{"a":[1]}`, `{"a":1e0}`, true},
		{`{"a":[9007199254740993]}`, `{"a":9007199254740992}`, false},
		{`{"a":["1"]}`, `{"a":1}`, false},
		{`{"a":[null]}`, `{"a":"null"}`, false},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":[true]}`, `{"a":[false,[true]]}`, true},
		// All filters must be met by the same element of an array.
		{`{"l":{"a":[1],"b":[2]}}`, `{"l":[{"a":1,"b":3},{"a":2,"b":2}]}`, false},
		{`{"l":{"a":[1],"b":[2]}}`, `{"l":[{"a":1,"b":3},{"a":1,"b":2}]}`, true},
		// What must not exist must not exist in any element.
		{`{"l":{"a":[{"exists":false}]}}`, `{"l":[{"b":1},{"a":1}]}`, false},
		{`{"l":{"a":[{"exists":false}]}}`, `{"l":[{"b":1},{"c":1}]}`, true},
		{`{"l":{"a":{"x":[{"exists":false}]}}}`, `{"l":[{"a":{"y":1}},{"a":{"x":1}}]}`, false},
		{`{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":[]}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":null}`, false},
		{`{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true},
		{`{"$or":[{"a":[1]},{"b":[1]}],"c":[1]}`, `{"b":1,"c":1}`, true},
		{`{"$or":[{"a":[1]},{"b":[1]}],"c":[1]}`, `{"b":1,"c":2}`, false},
		{`{"$or":[{"a":[1]},{"b":[1]}],"c":[1]}`, `{"c":1}`, false},
		{`{"d":{"$or":[{"a":[1]},{"$or":[{"b":[1]},{"c":[1]}]}]}}`, `{"d":{"c":1}}`, true},
		{`{"a":[{"wildcard":"x*y\\*z"}]}`, `{"a":"xxy*z"}`, true},
		{`{"a":[{"wildcard":"x*y\\*z"}]}`, `{"a":"xyyz"}`, false},
		{`{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"aba"}`, false},
		{`{"a":[{"wildcard":"*"}]}`, `{"a":""}`, true},
		{`{"a":[{"numeric":["=",5]}]}`, `{"a":5.0}`, true},
		{`{"a":[{"prefix":{"equals-ignore-case":"AB"}}]}`, `{"a":"abc"}`, true},
		{`{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":"not an address"}`, false},
		{`{"a.b":[1],"a":{"c":[2]}}`, `{"a":{"b":1,"c":2}}`, true},
		{`{"a.b":[1],"a":{"c":[2]}}`, `{"a.c":2,"a":{"b":1}}`, true},
		{`{"a.b":[1],"a":{"c":[2]}}`, `{"a":{"c":2}}`, false},
	} {
		p, err := CompilePattern([]byte(c.pattern))
		require.NoError(t, err, c.pattern)
		got, err := p.Match([]byte(c.event))
		require.NoError(t, err, c.event)
		if got != c.want {
			t.Errorf("pattern %s on event %s: got %v, want %v", c.pattern, c.event, got, c.want)
		}
	}
	for _, bad := range []string{`[]`, `{}`, `{"a":{}}`, `{"a":[[1]]}`, `{"a":[{}]}`, `{"a":[{"prefix":"x","suffix":"y"}]}`, `{"$or":[{"a":[1]}]}`,
		`{"$or":{"a":[1]}}`, `{"a":[{"exists":1}]}`, `{"a":[{"anything-but":[]}]}`, `{"a":[{"anything-but":["x",1]}]}`, `{"a":[{"anything-but":true}]}`,
		`{"a":[{"numeric":["<",5,">",1]}]}`, `{"a":[{"wildcard":"\\x"}]}`, `{"a":[1]} {}`, `{"a":[1]`} {
		_, err := CompilePattern([]byte(bad))
		require.ErrorIs(t, err, errPattern, bad)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add(`{"a":[{"wildcard":"*x*"},{"numeric":[">",1,"<=",5]}],"$or":[{"b":[1]},{"c.d":[{"exists":false}]}]}`, `{"a":["yxz",3],"c":{"d":1}}`)
	f.Add(`{"a":[{"anything-but":{"prefix":["x"]}}]}`, `{"a":null}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := CompilePattern([]byte(pattern))
		if err != nil {
			return
		}
		first, err := p.Match([]byte(event))
		if err != nil {
			return
		}
		second, err := p.Match([]byte(event))
		require.NoError(t, err)
		require.Equal(t, first, second, "matching must not depend on map order")
	})
}

const objectCreated = `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3",
"account":"000000000000","time":"2026-05-01T12:00:00Z","region":"us-east-1","resources":["arn:aws:s3:::stampede-raw"],
"detail":{"version":"0","bucket":{"name":"stampede-raw"},"object":{"key":"orders/2026/05/01/12/x","size":5242880,"etag":"b1946ac92492d2347c6235b4d2611184","sequencer":"00617F08299329D189"},
"request-id":"N4N7GDK58NMKJ12R","requester":"000000000000","reason":"PutObject"}}`

func BenchmarkMatch(b *testing.B) {
	p, err := CompilePattern([]byte(`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["stampede-raw"]},"object":{"key":[{"prefix":"orders/"}]}}}`))
	require.NoError(b, err)
	b.Run("parsed=no", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := p.Match([]byte(objectCreated)); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("parsed=yes", func(b *testing.B) {
		event, err := parseEvent([]byte(objectCreated))
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if !p.match(event) {
				b.Fatal("no match")
			}
		}
	})
}
