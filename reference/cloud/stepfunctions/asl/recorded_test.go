package asl

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recording is one execution as AWS ran it: the definition and the history it answered.
type recording struct {
	Definition json.RawMessage
	Events     []recordedEvent
}

type recordedEvent map[string]any

var epoch = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

// collection is the files of testdata/recorded.tar.gz.
func collection(t *testing.T) map[string][]byte {
	t.Helper()
	file, err := os.Open("testdata/recorded.tar.gz")
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	files := map[string][]byte{}
	for archive := tar.NewReader(unzipped); ; {
		head, err := archive.Next()
		if err == io.EOF {
			return files
		}
		require.NoError(t, err)
		files[head.Name], err = io.ReadAll(archive)
		require.NoError(t, err)
	}
}

// TestRecordedHistories replays executions that were recorded from AWS (by the LocalStack
// project, Apache License 2.0) and compares every event.
func TestRecordedHistories(t *testing.T) {
	table, err := os.ReadFile("testdata/recorded.tsv")
	require.NoError(t, err)
	require.NotEmpty(t, table)
	files := collection(t)
	for line := range strings.Lines(string(table)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		t.Run(f[1], func(t *testing.T) {
			var snapshots map[string]struct {
				Content map[string]json.RawMessage `json:"recorded-content"`
			}
			require.NoError(t, json.Unmarshal(files[f[0]], &snapshots), f[0])
			definition := files[f[2]]
			require.NotEmpty(t, definition, f[2])
			checked := 0
			if _, path, ok := strings.Cut(f[1], "[$"); ok { // the path under test is in the name
				definition = []byte(strings.Replace(string(definition), "$.items[0]", "$"+strings.TrimSuffix(path, "]"), 1))
			}
			for _, content := range snapshots[f[1]].Content {
				var h struct{ Events []recordedEvent }
				if json.Unmarshal(content, &h) == nil && len(h.Events) > 0 && h.Events[0]["type"] == "ExecutionStarted" {
					recording{Definition: plainJSON(string(definition)), Events: h.Events}.check(t)
					checked++
				}
			}
			require.Positive(t, checked, "nothing was recorded of it")
		})
	}
}

var (
	strayComma  = regexp.MustCompile(`("(?:\\.|[^"\\])*")|,(\s*[}\]])`)
	lineComment = regexp.MustCompile(`(?m)("(?:\\.|[^"\\])*")|//.*$`)
)

// plainJSON takes comments and trailing commas away.
func plainJSON(text string) json.RawMessage {
	text = lineComment.ReplaceAllString(text, "$1")
	return json.RawMessage(strayComma.ReplaceAllString(text, "$1$2"))
}

func (rec recording) check(t *testing.T) {
	t.Helper()
	definition := regexp.MustCompile(`"Resource"\s*:\s*"(_[a-z_]+_?|arn:<partition>:lambda[^"]*|)"`).
		ReplaceAll(rec.Definition, []byte(`"Resource": "arn:aws:lambda:us-east-1:111111111111:function:f"`))
	m, err := Parse(definition)
	require.NoError(t, err)
	wrapped := strings.Contains(string(definition), LambdaInvoke)
	started := rec.Events[0]["executionStartedEventDetails"].(map[string]any)
	x, step := m.Begin(Start{ARN: "execution-arn", Name: "n", Input: string(encode(recorded(started["input"]))), RoleARN: "snf_role_arn",
		Limits: Limits{MaxEvents: 25_000, MaxPayload: 262_144}}, epoch)
	events, now, flying := step.Events, epoch, step.Invoke
	for _, e := range rec.Events {
		var next Step
		switch kind := e["type"].(string); kind {
		case "LambdaFunctionSucceeded", "TaskSucceeded":
			out := recorded(detail(e)["output"])
			if wrapped {
				out = out.(map[string]any)["Payload"]
			}
			require.NotEmpty(t, flying, "AWS invoked more")
			next = x.Succeed(flying[0].Token, encode(out), now)
		case "LambdaFunctionFailed", "TaskFailed":
			d := detail(e)
			cause, _ := d["cause"].(string)
			if _, ok := d["cause"].(map[string]any); ok {
				cause = string(encode(d["cause"]))
			}
			require.NotEmpty(t, flying, "AWS invoked more")
			if d["error"] == ErrorDataLimitExceeded {
				next = x.Succeed(flying[0].Token, encode(strings.Repeat("x", 262_145)), now)
			} else {
				next = x.Fail(flying[0].Token, d["error"].(string), cause, now)
			}
		case "LambdaFunctionTimedOut", "TaskTimedOut":
			if len(flying) == 0 || flying[0].Deadline.Equal(now) {
				continue // several end at the same time
			}
			now = flying[0].Deadline
			next = x.Tick(now)
		default:
			continue
		}
		flying = append(flying[1:], next.Invoke...)
		events = append(events, next.Events...)
		events, flying, now = drive(t, x, next, events, flying, now)
	}
	events, _, _ = drive(t, x, Step{Wake: x.wakeForTest()}, events, flying, now)
	var got, want []string
	for _, e := range events {
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		var r recordedEvent
		require.NoError(t, json.Unmarshal(raw, &r))
		got = append(got, r.line(wrapped))
	}
	for _, e := range rec.Events {
		want = append(want, e.line(wrapped))
	}
	require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"))
}

func (x *Execution) wakeForTest() time.Time {
	if x.Status != Running {
		return time.Time{}
	}
	return x.wake()
}

// drive lets the time pass while nothing but the time is waited for.
func drive(t *testing.T, x *Execution, step Step, events []Event, flying []Invocation, now time.Time) ([]Event, []Invocation, time.Time) {
	t.Helper()
	for x.Status == Running && !step.Wake.IsZero() {
		snapshot, err := json.Marshal(x) // survives any interruption
		require.NoError(t, err)
		resumed, again, err := x.machine.Resume(snapshot)
		require.NoError(t, err)
		require.Equal(t, step.Wake.UnixNano(), again.Wake.UnixNano())
		*x = *resumed
		if len(flying) > 0 && step.Wake.Equal(flying[0].Deadline) {
			break
		}
		now = step.Wake
		step = x.Tick(now)
		events, flying = append(events, step.Events...), append(flying, step.Invoke...)
	}
	return events, flying, now
}

func detail(e recordedEvent) map[string]any {
	for k, v := range e {
		if strings.HasSuffix(k, "EventDetails") {
			return v.(map[string]any)
		}
	}
	return map[string]any{}
}

// recorded undoes the form of the collection: JSON text that is an object was parsed there.
func recorded(v any) any {
	if text, ok := v.(string); ok {
		if parsed, err := decode([]byte(text)); err == nil {
			return parsed
		}
		return text
	}
	return mustDecode(encode(v))
}

var placeholder = regexp.MustCompile(`in the input '.*'$`)

// line is an event for comparison: without times, resources, and results wrapped by lambda:invoke.
func (e recordedEvent) line(wrapped bool) string {
	d := map[string]any{}
	for k, v := range detail(e) {
		switch k {
		case "inputDetails", "outputDetails", "resource", "region", "roleArn":
			continue
		case "input", "output", "parameters":
			if wrapped {
				continue
			}
			v = recorded(v)
		case "cause":
			if m, ok := v.(map[string]any); ok {
				v = string(encode(m))
			}
			if text := v.(string); strings.HasPrefix(text, "{") {
				v = recorded(text)
			} else if strings.Contains(text, "exceeding the maximum") {
				v = "too large"
			} else {
				v = placeholder.ReplaceAllString(text, "in the input")
			}
		}
		d[k] = v
	}
	return string(encode(map[string]any{"id": e["id"], "previous": e["previousEventId"], "type": e["type"], "details": d}))
}
