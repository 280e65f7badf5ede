package proof

import (
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

func TestTheModelTellsTruthFromLies(t *testing.T) {
	put := func(i, v int) access { a := access{want: untouched(), write: untouched()}; a.write[i] = v; return a }
	both := access{want: untouched(), write: values{1, 1, none, none}}
	get := func(i ...int) access {
		a := access{want: untouched(), write: untouched()}
		for _, j := range i {
			a.read[j] = true
		}
		return a
	}
	swap := func(i, old, v int) access { a := put(i, v); a.want[i] = old; return a }
	ok := func(v ...int) answer { a := answer{held: true}; copy(a.seen[:], v); return a }
	op := func(a access, out answer, call, end int64) porcupine.Operation {
		return porcupine.Operation{Input: a, Output: out, Call: call, Return: end}
	}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    porcupine.CheckResult
	}{
		"read what was written":    {[]porcupine.Operation{op(put(0, 1), ok(), 0, 1), op(get(0), ok(1), 2, 3)}, porcupine.Ok},
		"stale read":               {[]porcupine.Operation{op(put(0, 1), ok(), 0, 1), op(get(0), ok(0), 2, 3)}, porcupine.Illegal},
		"concurrent read":          {[]porcupine.Operation{op(put(0, 1), ok(), 0, 3), op(get(0), ok(0), 1, 2)}, porcupine.Ok},
		"two win one swap":         {[]porcupine.Operation{op(swap(0, 0, 1), ok(), 0, 3), op(swap(0, 0, 2), ok(), 1, 2)}, porcupine.Illegal},
		"one wins":                 {[]porcupine.Operation{op(swap(0, 0, 1), ok(), 0, 3), op(swap(0, 0, 2), answer{}, 1, 2)}, porcupine.Ok},
		"unknown seen":             {[]porcupine.Operation{op(put(0, 1), answer{unknown: true}, 0, 9), op(get(0), ok(1), 2, 3)}, porcupine.Ok},
		"unknown not seen":         {[]porcupine.Operation{op(put(0, 1), answer{unknown: true}, 0, 9), op(get(0), ok(0), 2, 3)}, porcupine.Ok},
		"unknown seen and gone":    {[]porcupine.Operation{op(put(0, 1), answer{unknown: true}, 0, 9), op(get(0), ok(1), 2, 3), op(get(0), ok(0), 4, 5)}, porcupine.Illegal},
		"half of a transaction":    {[]porcupine.Operation{op(both, ok(), 0, 9), op(get(0, 1), ok(1, 0), 2, 3)}, porcupine.Illegal},
		"transaction, or not yet":  {[]porcupine.Operation{op(both, ok(), 0, 9), op(get(0, 1), ok(0, 0), 2, 3), op(get(0, 1), ok(1, 1), 4, 5)}, porcupine.Ok},
		"single reads of one half": {[]porcupine.Operation{op(both, ok(), 0, 9), op(get(0), ok(1), 2, 3), op(get(1), ok(0, 0), 4, 5)}, porcupine.Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, porcupine.CheckOperationsTimeout(model, c.history, 0))
		})
	}
}
