package proof

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// registers is how many items a concurrent history is about. Their values are versions; 0 is an
// item that does not exist.
const registers = 4

type values [registers]int

// none leaves a register out.
const none = -1

func untouched() values { return values{none, none, none, none} }

// access is what one call does: it holds if all registers are as wanted, and then writes.
type access struct {
	want, write values
	read        [registers]bool
}

// touches are the registers that the access is about.
func (a access) touches() (out []int) {
	for i := range registers {
		if a.want[i] != none || a.write[i] != none || a.read[i] {
			out = append(out, i)
		}
	}
	return out
}

// answer is what a call was told. An unknown one was told nothing.
type answer struct {
	unknown bool
	held    bool
	seen    values // before its own write, of the registers it reads
}

// model is what DynamoDB promises: each call happens at one moment between its start and its
// answer. One whose answer is not known may happen at any time after its start; the end of the
// history, where nobody sees it, stands for never.
var model = porcupine.Model{
	Init: func() any { return values{} },
	Step: func(state, input, output any) (bool, any) {
		now, a, out := state.(values), input.(access), output.(answer)
		held := true
		for i := range registers {
			held = held && (a.want[i] == none || a.want[i] == now[i])
		}
		if !out.unknown {
			if out.held != held {
				return false, now
			}
			for i := range registers {
				if held && a.read[i] && out.seen[i] != now[i] {
					return false, now
				}
			}
		}
		if !held {
			return true, now
		}
		next := now
		for i, v := range a.write {
			if v != none {
				next[i] = v
			}
		}
		return true, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// byRegister parts a history whose calls are each about one register.
func byRegister(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, registers)
	for _, op := range history {
		i := op.Input.(access).touches()[0]
		parts[i] = append(parts[i], op)
	}
	return parts
}

// record is a concurrent history in the making. It is safe for concurrent use.
type record struct {
	sync.Mutex
	began    time.Time
	calls    []porcupine.Operation
	versions int
	possible map[[2]int]bool // register and version of every write that may have happened
}

func newRecord() *record { return &record{began: time.Now(), possible: map[[2]int]bool{}} }

// version is a new one.
func (r *record) version() int {
	r.Lock()
	defer r.Unlock()
	r.versions++
	return r.versions
}

// call notes what do does and is told.
func (r *record) call(client int, a access, do func() (values, error)) {
	r.Lock()
	for i, v := range a.write {
		if v != none {
			r.possible[[2]int{i, v}] = true
		}
	}
	r.Unlock()
	start := time.Since(r.began)
	seen, err := do()
	op := porcupine.Operation{ClientId: client, Input: a, Call: int64(start), Return: int64(time.Since(r.began))}
	out, tells := judge(seen, err)
	if !tells || out.unknown && a.write == untouched() {
		return
	}
	op.Output = out
	r.Lock()
	defer r.Unlock()
	r.calls = append(r.calls, op)
}

// judge is what an error tells: that a condition failed, nothing for sure, or that nothing
// happened, in which case the call may be left out.
func judge(seen values, err error) (out answer, tells bool) {
	var failed *types.ConditionalCheckFailedException
	var cancelled *types.TransactionCanceledException
	var answered smithy.APIError
	switch {
	case err == nil:
		return answer{held: true, seen: seen}, true
	case errors.As(err, &failed):
		return answer{}, true
	case errors.As(err, &cancelled):
		for _, reason := range cancelled.CancellationReasons {
			if *reason.Code == "TransactionConflict" {
				return answer{}, false
			}
		}
		return answer{}, true
	case errors.As(err, &answered) && answered.ErrorFault() == smithy.FaultClient:
		return answer{}, false
	}
	return answer{unknown: true}, true
}

// verdict searches for an order of the calls that explains all answers.
func (r *record) verdict(m porcupine.Model) porcupine.CheckResult {
	r.Lock()
	defer r.Unlock()
	history := slices.Clone(r.calls)
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	end := int64(time.Since(r.began))
	for i := range history {
		if history[i].Output.(answer).unknown {
			history[i].Return = end
		}
	}
	return porcupine.CheckOperationsTimeout(m, history, time.Minute)
}
