package stepfunctions

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

type executionIn struct {
	ARN string `json:"executionArn"`
}

// execution finds an execution by its ARN.
func (s *Service) execution(arn string) (p string, rec executionRecord, sum summary, err error) {
	if p, err = path(arn); err != nil {
		return p, rec, sum, err
	}
	found, err := load(s.o.DB, executionKey(p), &rec)
	if err != nil {
		return p, rec, sum, err
	}
	if !found {
		return p, rec, sum, wire.Errorf(400, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	if err := json.Unmarshal(rec.Execution, &sum); err != nil {
		return p, rec, sum, fmt.Errorf("read execution %q: %w", p, err)
	}
	return p, rec, sum, nil
}

type executionItem struct {
	ARN          string       `json:"executionArn"`
	MachineARN   string       `json:"stateMachineArn"`
	Name         string       `json:"name"`
	Status       asl.Status   `json:"status"`
	Started      asl.Instant  `json:"startDate"`
	Stopped      *asl.Instant `json:"stopDate,omitempty"`
	RedriveCount int          `json:"redriveCount"`
}

type describeExecutionOut struct {
	executionItem
	Input               string  `json:"input"`
	InputDetails        any     `json:"inputDetails"`
	Output              *string `json:"output,omitempty"`
	OutputDetails       any     `json:"outputDetails,omitempty"`
	Error               *string `json:"error,omitempty"`
	Cause               *string `json:"cause,omitempty"`
	RedriveStatus       string  `json:"redriveStatus"`
	RedriveStatusReason string  `json:"redriveStatusReason"`
}

func (sum summary) item() executionItem {
	item := executionItem{ARN: sum.Start.ARN, MachineARN: sum.Start.MachineARN, Name: sum.Start.Name, Status: sum.Status, Started: asl.Instant{Time: sum.StartedAt}}
	if !sum.StoppedAt.IsZero() {
		item.Stopped = &asl.Instant{Time: sum.StoppedAt}
	}
	return item
}

func (s *Service) describeExecution(in executionIn) (describeExecutionOut, error) {
	_, _, sum, err := s.execution(in.ARN)
	if err != nil {
		return describeExecutionOut{}, err
	}
	included := map[string]bool{"included": true}
	out := describeExecutionOut{
		executionItem: sum.item(), Input: sum.Start.Input, InputDetails: included, Error: sum.Error, Cause: sum.Cause,
		RedriveStatus: "NOT_REDRIVABLE", RedriveStatusReason: fmt.Sprintf("Execution is %s and cannot be redriven", sum.Status),
	}
	if sum.Status == asl.Succeeded {
		out.Output, out.OutputDetails = &sum.Output, included
	}
	return out, nil
}

type listExecutionsIn struct {
	pageIn
	MachineARN   string     `json:"stateMachineArn"`
	StatusFilter asl.Status `json:"statusFilter"`
}

type listExecutionsOut struct {
	Executions []executionItem `json:"executions"`
	NextToken  string          `json:"nextToken,omitempty"`
}

var statuses = []asl.Status{asl.Succeeded, asl.TimedOut, "PENDING_REDRIVE", asl.Aborted, asl.Failed, asl.Running}

// listExecutions lists the newest first.
func (s *Service) listExecutions(in listExecutionsIn) (listExecutionsOut, error) {
	m, err := s.machineByARN(in.MachineARN)
	if err != nil {
		return listExecutionsOut{}, err
	}
	if in.StatusFilter != "" && !slices.Contains(statuses, in.StatusFilter) {
		return listExecutionsOut{}, wire.Errorf(400, "ValidationException", "1 validation error detected: Value '%s' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]", in.StatusFilter)
	}
	from, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return listExecutionsOut{}, invalidToken()
	}
	out := listExecutionsOut{Executions: []executionItem{}}
	var last []byte
	p := key("started", m.Name+"\x00")
	err = scan(s.o.DB, p, func(k, _ []byte) (bool, error) {
		if string(k) <= string(from) {
			return true, nil
		}
		if len(out.Executions) == in.size() {
			out.NextToken = base64.RawURLEncoding.EncodeToString(last)
			return false, nil
		}
		last = append(last[:0], k...)
		var rec executionRecord
		var sum summary
		found, err := load(s.o.DB, executionKey(executionPath(m.Name, string(k[len(p)+8:]))), &rec)
		if err != nil || !found {
			return err == nil, err
		}
		if err := json.Unmarshal(rec.Execution, &sum); err != nil {
			return false, fmt.Errorf("read execution %q: %w", k, err)
		}
		if in.StatusFilter == "" || sum.Status == in.StatusFilter {
			out.Executions = append(out.Executions, sum.item())
		}
		return true, nil
	})
	return out, err
}

func invalidToken() error {
	return wire.Errorf(400, "InvalidToken", "Invalid Token: 'Invalid token'")
}

type historyIn struct {
	pageIn
	ARN          string `json:"executionArn"`
	ReverseOrder bool   `json:"reverseOrder"`
}

type historyOut struct {
	Events    []asl.Event `json:"events"`
	NextToken string      `json:"nextToken,omitempty"`
}

func (s *Service) executionHistory(in historyIn) (historyOut, error) {
	p, _, _, err := s.execution(in.ARN)
	if err != nil {
		return historyOut{}, err
	}
	skip := 0
	if in.NextToken != "" {
		if _, err := fmt.Sscanf(in.NextToken, "%d", &skip); err != nil || skip < 0 {
			return historyOut{}, invalidToken()
		}
	}
	all := []asl.Event{}
	err = scan(s.o.DB, key("event", p+"\x00"), func(_, v []byte) (bool, error) {
		var some []asl.Event
		if err := json.Unmarshal(v, &some); err != nil {
			return false, fmt.Errorf("read history of %q: %w", p, err)
		}
		all = append(all, some...)
		return true, nil
	})
	if err != nil {
		return historyOut{}, err
	}
	if in.ReverseOrder {
		slices.Reverse(all)
	}
	all = all[min(skip, len(all)):]
	out := historyOut{Events: all}
	if n := in.size(); len(all) > n {
		out.Events, out.NextToken = all[:n], fmt.Sprint(skip+n)
	}
	return out, nil
}

type stopIn struct {
	ARN   string `json:"executionArn"`
	Error string `json:"error"`
	Cause string `json:"cause"`
}

type stopOut struct {
	Stopped asl.Instant `json:"stopDate"`
}

// stopExecution aborts a running execution; of an ended one it answers when it ended.
func (s *Service) stopExecution(in stopIn) (stopOut, error) {
	p, err := path(in.ARN)
	if err != nil {
		return stopOut{}, err
	}
	s.mu.Lock()
	r := s.mu.running[p]
	s.mu.Unlock()
	if r != nil {
		r.send(func(x *asl.Execution, now time.Time) asl.Step { return x.Stop(in.Error, in.Cause, now) })
		<-r.done
	}
	_, _, sum, err := s.execution(in.ARN)
	if err == nil && sum.Status == asl.Running {
		err = wire.Errorf(503, "ServiceUnavailable", "the service is closing")
	}
	return stopOut{asl.Instant{Time: sum.StoppedAt}}, err
}
