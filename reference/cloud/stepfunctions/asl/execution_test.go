package asl

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const function = "arn:aws:lambda:us-east-1:000000000000:function:process-insights:live"

func begin(t *testing.T, definition, in string) (*Execution, Step) {
	t.Helper()
	m, err := Parse([]byte(definition))
	require.NoError(t, err)
	return m.Begin(Start{ARN: "arn:exec", Name: "e", MachineARN: "arn:m", MachineName: "m", Input: in,
		Limits: Limits{MaxEvents: 25_000, MaxPayload: 262_144}}, epoch)
}

const fan = `{"StartAt":"Fan","States":{"Fan":{"Type":"Map","ItemsPath":"$.shards","MaxConcurrency":%d,
 "ItemSelector":{"shard.$":"$$.Map.Item.Value","index.$":"$$.Map.Item.Index"},
 "ItemProcessor":{"StartAt":"Shard","States":{"Shard":{"Type":"Task","Resource":"` + function + `","TimeoutSeconds":60,
   "Retry":[{"ErrorEquals":["States.TaskFailed"],"IntervalSeconds":2,"BackoffRate":3,"MaxAttempts":2}],
   "Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.failed","Next":"Skip"}],"End":true},
   "Skip":{"Type":"Pass","End":true}}},"End":true}}}`

func TestMapRunsItsIterationsAtOnceAndAFailedOneDoesNotStopIt(t *testing.T) {
	x, step := begin(t, fmt.Sprintf(fan, 0), `{"shards":[0,1,2]}`)
	require.Len(t, step.Invoke, 3)
	require.JSONEq(t, `{"shard":1,"index":1}`, string(step.Invoke[1].Payload))
	require.Equal(t, function, step.Invoke[1].Function)
	require.Equal(t, epoch.Add(time.Minute), step.Wake, "the tasks' timeout")

	ended := x.Succeed(step.Invoke[2].Token, json.RawMessage(`"two"`), epoch)
	require.Empty(t, ended.Invoke)
	now := epoch
	failing := step.Invoke[0].Token
	for i, pause := range []time.Duration{2 * time.Second, 6 * time.Second} {
		s := x.Fail(failing, "Boom", "why", now)
		require.Equal(t, now.Add(pause), s.Wake, "try %d", i)
		now = s.Wake
		require.Empty(t, x.Tick(now.Add(-time.Nanosecond)).Invoke)
		s = x.Tick(now)
		require.Len(t, s.Invoke, 1)
		failing = s.Invoke[0].Token
	}
	x.Fail(failing, "Boom", "why", now)
	require.Equal(t, Running, x.Status)
	last := x.Succeed(step.Invoke[1].Token, json.RawMessage(`"one"`), now)
	require.True(t, last.Stopped)
	require.Equal(t, Succeeded, x.Status)
	require.JSONEq(t, `[{"shard":0,"index":0,"failed":{"Error":"Boom","Cause":"why"}},"one","two"]`, x.Output)
}

func TestMapKeepsToItsConcurrency(t *testing.T) {
	for atOnce, want := range map[int]int{1: 1, 3: 3, 0: 40, 100: 40} {
		items := strings.TrimSuffix(strings.Repeat("0,", 60), ",")
		x, step := begin(t, fmt.Sprintf(fan, atOnce), `{"shards":[`+items+`]}`)
		flying := step.Invoke
		require.Len(t, flying, want, "MaxConcurrency %d", atOnce)
		for done := range 60 {
			next := x.Succeed(flying[0].Token, json.RawMessage(`1`), epoch)
			flying = append(flying[1:], next.Invoke...)
			require.Len(t, flying, min(want, 59-done))
		}
		require.Equal(t, Succeeded, x.Status)
	}
}

func TestLateAndForeignOutcomesAreIgnored(t *testing.T) {
	x, step := begin(t, fmt.Sprintf(fan, 0), `{"shards":[7]}`)
	token := step.Invoke[0].Token
	require.Empty(t, x.Succeed(999, json.RawMessage(`1`), epoch).Events)
	s := x.Tick(epoch.Add(time.Minute)) // times out; States.TaskFailed does not match, States.ALL does
	require.True(t, s.Stopped)
	require.JSONEq(t, `[{"shard":7,"index":0,"failed":{"Error":"States.Timeout"}}]`, x.Output)
	require.Empty(t, x.Succeed(token, json.RawMessage(`1`), epoch.Add(time.Hour)).Events)
}

func TestHistoryIsBounded(t *testing.T) {
	m, err := Parse([]byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}`))
	require.NoError(t, err)
	x, step := m.Begin(Start{Input: `{}`, Limits: Limits{MaxEvents: 1000}}, epoch)
	require.True(t, step.Stopped)
	require.Equal(t, Failed, x.Status)
	require.Len(t, step.Events, 1000)
	require.Equal(t, "ExecutionFailed", step.Events[999].Type)
	require.Contains(t, *x.Cause, "maximum number of history events (1000)")
}

func TestStopAndTimeoutEndAnExecution(t *testing.T) {
	const waiting = `{"StartAt":"W","TimeoutSeconds":10,"States":{"W":{"Type":"Wait","Seconds":100,"End":true}}}`
	x, step := begin(t, waiting, `{}`)
	require.Equal(t, epoch.Add(10*time.Second), step.Wake)
	step = x.Stop("Operator", "enough", epoch.Add(time.Second))
	require.True(t, step.Stopped)
	require.Equal(t, Aborted, x.Status)
	require.Equal(t, "Operator", *step.Events[0].ExecutionAborted.Error)

	x, _ = begin(t, waiting, `{}`)
	step = x.Tick(epoch.Add(10 * time.Second))
	require.Equal(t, TimedOut, x.Status)
	require.Equal(t, "ExecutionTimedOut", step.Events[0].Type)
}

func TestJitterIsWithinTheDelayAndRepeats(t *testing.T) {
	const retried = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + function + `","End":true,
	  "Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":10,"MaxDelaySeconds":15,"MaxAttempts":50,"JitterStrategy":"FULL"}]}}}`
	seen := map[time.Duration]bool{}
	x, step := begin(t, retried, `{}`)
	y, _ := begin(t, retried, `{}`)
	now, token := epoch, step.Invoke[0].Token
	for range 40 {
		s := x.Fail(token, "E", "", now)
		require.Equal(t, s, y.Fail(token, "E", "", now), "the same seed gives the same delays")
		delay := s.Wake.Sub(now)
		require.LessOrEqual(t, delay, 15*time.Second)
		seen[delay] = true
		now = s.Wake
		s = x.Tick(now)
		y.Tick(now)
		token = s.Invoke[0].Token
	}
	require.Greater(t, len(seen), 30)
}

// TestResumeAnywhere compares an execution that is interrupted after every step with one that is not.
func TestResumeAnywhere(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		x, step := begin(t, fmt.Sprintf(fan, 1+int(seed%4)), `{"shards":[0,1,2,3,4,5]}`)
		y, other := begin(t, fmt.Sprintf(fan, 1+int(seed%4)), `{"shards":[0,1,2,3,4,5]}`)
		require.Equal(t, step, other)
		now, flying := epoch, step.Invoke
		for steps := 0; x.Status == Running; steps++ {
			require.Less(t, steps, 1000)
			snapshot, err := json.Marshal(y)
			require.NoError(t, err)
			var again Step
			y, again, err = x.machine.Resume(snapshot)
			require.NoError(t, err)
			require.ElementsMatch(t, tokens(flying), tokens(again.Invoke), "seed %d", seed)
			require.True(t, step.Wake.Equal(again.Wake))
			switch {
			case len(flying) > 0 && random.IntN(3) > 0:
				i := random.IntN(len(flying))
				token := flying[i].Token
				flying = append(flying[:i:i], flying[i+1:]...)
				if random.IntN(3) == 0 {
					step, other = x.Fail(token, "Boom", "c", now), y.Fail(token, "Boom", "c", now)
				} else {
					step, other = x.Succeed(token, json.RawMessage(`{"ok":true}`), now), y.Succeed(token, json.RawMessage(`{"ok":true}`), now)
				}
			case len(flying) == 0:
				now = step.Wake
				step, other = x.Tick(now), y.Tick(now)
			default:
				now = now.Add(time.Second)
				step, other = x.Tick(now), y.Tick(now)
			}
			require.Equal(t, mustJSON(step), mustJSON(other), "seed %d", seed)
			flying = append(flying, step.Invoke...)
			kept := flying[:0]
			for _, f := range flying { // timed out meanwhile
				if f.Deadline.After(now) {
					kept = append(kept, f)
				}
			}
			flying = kept
		}
		require.Equal(t, mustJSON(x), mustJSON(y))
	}
}

func mustJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func tokens(all []Invocation) []int64 {
	out := []int64{}
	for _, i := range all {
		out = append(out, i.Token)
	}
	return out
}

func TestParseNamesTheStateAtFault(t *testing.T) {
	wrap := func(states string) string { return `{"StartAt":"A","States":{` + states + `}}` }
	for _, c := range []struct{ definition, want string }{
		{`{`, "INVALID_JSON_DESCRIPTION"},
		{`{"StartAt":"A"}`, "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /"},
		{wrap(`"A":{"Type":"Psas","End":true}`), "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type"},
		{wrap(`"A":{"Type":"Pass","Next":"B"}`), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"},
		{wrap(`"A":{"Type":"Pass","End":true},"B":{"Type":"Pass","End":true}`), `State "B" is not reachable. at /States/B`},
		{wrap(`"A":{"Type":"Pass"}`), "Exactly one of these fields is required: [Next, End] at /States/A"},
		{wrap(`"A":{"Type":"Pass","End":true,"Sconds":1}`), `unknown field "Sconds" at /States/A`},
		{wrap(`"A":{"Type":"Wait","End":true}`), "[Seconds, SecondsPath, Timestamp, TimestampPath] at /States/A"},
		{wrap(`"A":{"Type":"Wait","Timestamp":"2026-11-27 08:00:00Z","End":true}`), "String does not match RFC3339 timestamp at /States/A/Timestamp"},
		{wrap(`"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}`), "is not recognized"},
		{wrap(`"A":{"Type":"Pass","Parameters":{"x.$":"States.Nope()"},"End":true}`), "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Parameters"},
		{wrap(`"A":{"Type":"Pass","ResultPath":"$.a[*]","End":true}`), "Value is not a Reference Path at /States/A/ResultPath"},
		{wrap(`"A":{"Type":"Parallel","Branches":[],"End":true}`), "Value cannot be empty at /States/A/Branches"},
		{wrap(`"A":{"Type":"Choice","Choices":[{"Variable":"$.x","NumericEquals":"1","Next":"B"}]},"B":{"Type":"Succeed"}`), "Expected value of type number at /States/A/Choices[0]/NumericEquals"},
		{wrap(`"A":{"Type":"Choice","Choices":[{"Not":{"Variable":"$.x","IsNull":true,"Next":"B"},"Next":"B"}]},"B":{"Type":"Succeed"}`), "at /States/A/Choices[0]/Not/Next"},
		{wrap(`"A":{"Type":"Task","Resource":"` + function + `","Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["X"]}],"End":true}`), "States.ALL must appear alone and in the last retrier or catcher at /States/A/Retry[0]/ErrorEquals"},
		{wrap(`"A":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","Next":"Z"}}},"End":true}`), "Missing 'Next' target: Z at /States/A/ItemProcessor/States/I/Next"},
		{wrap(`"A":{"Type":"Pass","End":true,"Assign":{"x":1}}`), "The field 'Assign' is not supported here at /States/A/Assign"},
	} {
		_, err := Parse([]byte(c.definition))
		var fault *DefinitionError
		require.ErrorAs(t, err, &fault, c.definition)
		require.Contains(t, err.Error(), c.want)
	}
}

func TestChoiceOperators(t *testing.T) {
	const in = `{"b":true,"n":5,"s":"log-a*b.txt","t":"2026-11-27T08:00:00Z","null":null,"same":5,"S":"m","T":"2026-11-27T09:00:00+01:00"}`
	for rule, want := range map[string]bool{
		`"Variable":"$.b","BooleanEquals":true`:                                                  true,
		`"Variable":"$.b","BooleanEqualsPath":"$.b"`:                                             true,
		`"Variable":"$.n","NumericEquals":5.0`:                                                   true,
		`"Variable":"$.n","NumericEqualsPath":"$.same"`:                                          true,
		`"Variable":"$.n","NumericLessThan":5`:                                                   false,
		`"Variable":"$.n","NumericLessThanEquals":5`:                                             true,
		`"Variable":"$.n","NumericGreaterThan":4.99`:                                             true,
		`"Variable":"$.n","NumericGreaterThanEquals":6`:                                          false,
		`"Variable":"$.s","NumericEquals":5`:                                                     false,
		`"Variable":"$.s","StringEquals":"log-a*b.txt"`:                                          true,
		`"Variable":"$.s","StringMatches":"log-*.txt"`:                                           true,
		`"Variable":"$.s","StringMatches":"*a\\*b*"`:                                             true,
		`"Variable":"$.s","StringMatches":"log-*.zip"`:                                           false,
		`"Variable":"$.S","StringLessThan":"n"`:                                                  true,
		`"Variable":"$.S","StringGreaterThanEquals":"m"`:                                         true,
		`"Variable":"$.t","TimestampEqualsPath":"$.T"`:                                           true,
		`"Variable":"$.t","TimestampLessThan":"2026-11-27T08:00:00.001Z"`:                        true,
		`"Variable":"$.t","TimestampGreaterThan":"2026-11-27T08:00:00Z"`:                         false,
		`"Variable":"$.null","IsNull":true`:                                                      true,
		`"Variable":"$.none","IsPresent":false`:                                                  true,
		`"Variable":"$.null","IsPresent":true`:                                                   true,
		`"Variable":"$.n","IsNumeric":true`:                                                      true,
		`"Variable":"$.n","IsString":false`:                                                      true,
		`"Variable":"$.t","IsTimestamp":true`:                                                    true,
		`"Variable":"$.s","IsTimestamp":true`:                                                    false,
		`"Variable":"$.b","IsBoolean":true`:                                                      true,
		`"And":[{"Variable":"$.b","BooleanEquals":true},{"Variable":"$.n","NumericEquals":6}]`:   false,
		`"Or":[{"Variable":"$.b","BooleanEquals":false},{"Variable":"$.n","NumericEquals":5}]`:   true,
		`"Not":{"Variable":"$.n","NumericEquals":6}`:                                             true,
		`"And":[{"Variable":"$.none","IsPresent":true},{"Variable":"$.none","NumericEquals":6}]`: false,
	} {
		x, _ := begin(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{`+rule+`,"Next":"Y"}],"Default":"N"},
			"Y":{"Type":"Pass","Result":true,"End":true},"N":{"Type":"Pass","Result":false,"End":true}}}`, in)
		require.Equal(t, Succeeded, x.Status, "%s: %v", rule, x.Cause)
		require.Equal(t, fmt.Sprint(want), x.Output, rule)
	}
	x, _ := begin(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":6,"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`, in)
	require.Equal(t, ErrorNoChoiceMatched, *x.Error)
}

func TestPaths(t *testing.T) {
	root := mustDecode(json.RawMessage(`{"a":{"b":[{"c":1,"d":"x"},{"c":2},{"c":3}]},"q r":5,"l":[0,1,2,3]}`))
	for text, want := range map[string]string{
		"$.a.b[0].c":             `1`,
		"$['q r']":               `5`,
		"$.l[-1]":                `3`,
		"$.a.b[*].c":             `[1,2,3]`,
		"$.l[1:3]":               `[1,2]`,
		"$.l[:-1]":               `[0,1,2]`,
		"$.l[0,2]":               `[0,2]`,
		"$..c":                   `[1,2,3]`,
		"$.a.b[?(@.c > 1)].c":    `[2,3]`,
		"$.a.b[?(@.d)].c":        `[1]`,
		"$.a.b[?(@.d == 'x')].c": `[1]`,
		"$.none[*]":              `[]`,
		"$.*.b[2].c":             `[3]`,
	} {
		p, err := parsePath(text)
		require.NoError(t, err, text)
		v, err := p.find(root)
		require.NoError(t, err, text)
		require.Equal(t, want, string(encode(v)), text)
	}
	for _, text := range []string{"", "a", "$a", "$.", "$[", "$['a]", "$[x]", "$.a[?(b)]", "$.a b"} {
		_, err := parsePath(text)
		require.Error(t, err, text)
	}
}

// FuzzParse finds no definition that parses and then breaks the interpreter.
func FuzzParse(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(fan, 2)), []byte(`{"shards":[1,2]}`))
	f.Add([]byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"u.$":"States.Format('{} {}', $.a[*], States.UUID())"},"End":true}}}`), []byte(`{"a":[1]}`))
	f.Add([]byte(`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","StringMatches":"*\\*","Next":"A"}],"Default":"A"}}}`), []byte(`{"a":"*"}`))
	f.Fuzz(func(t *testing.T, definition, in []byte) {
		m, err := Parse(definition)
		if _, bad := decode(in); err != nil || bad != nil {
			return
		}
		x, step := m.Begin(Start{Input: string(in), Limits: Limits{MaxEvents: 200, MaxPayload: 4096}}, epoch)
		for n := 0; x.Status == Running && n < 50; n++ {
			switch {
			case len(step.Invoke) > 0:
				step = x.Succeed(step.Invoke[0].Token, in, epoch)
			case !step.Wake.IsZero():
				step = x.Tick(step.Wake)
			default:
				return
			}
		}
	})
}
