package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Excusable are the parts of DynamoDB that the service leaves out, and so the only reasons for
// which a test may be on the list.
var Excusable = []string{"global tables", "backup", "import/export"}

// Excuses are the tests that may fail: full name to reason.
type Excuses map[string]string

// ParseExcuses reads a list of lines "reason: full name of a test"; # begins a comment.
func ParseExcuses(text string) (Excuses, error) {
	out := Excuses{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		reason, name, ok := strings.Cut(line, ": ")
		switch {
		case !ok || !slices.Contains(Excusable, reason):
			return nil, fmt.Errorf("line %d: want a reason (%s), a colon and a test's name", i+1, strings.Join(Excusable, ", "))
		case out[name] != "":
			return nil, fmt.Errorf("line %d: %s is listed twice", i+1, name)
		}
		out[name] = reason
	}
	return out, nil
}

// Verdict is what a run showed. It is good if Failed and Unknown are empty.
type Verdict struct {
	Tests, Passed int
	Skipped       int      // on the list and not passed
	Failed        []string // not on the list and not passed, with what the suite says
	Surprises     []string // on the list and passed: the list is longer than it need be
	Unknown       []string // on the list and not in the suite
}

// Judge reads a report of vitest's JSON reporter.
func Judge(report []byte, excuses Excuses) (v Verdict, err error) {
	var r struct {
		TestResults []struct {
			Message          string
			Name             string
			AssertionResults []struct {
				FullName, Status string
				FailureMessages  []string
			}
		}
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return v, fmt.Errorf("read report of the suite: %w", err)
	}
	seen := map[string]bool{}
	for _, file := range r.TestResults {
		if len(file.AssertionResults) == 0 {
			v.Failed = append(v.Failed, file.Name+": "+firstLine(file.Message))
		}
		for _, t := range file.AssertionResults {
			v.Tests++
			seen[t.FullName] = true
			passed, excused := t.Status == "passed", excuses[t.FullName] != ""
			switch {
			case passed && excused:
				v.Passed++
				v.Surprises = append(v.Surprises, t.FullName)
			case passed:
				v.Passed++
			case excused:
				v.Skipped++
			default:
				v.Failed = append(v.Failed, t.FullName+": "+t.Status+" "+firstLine(strings.Join(t.FailureMessages, " ")))
			}
		}
	}
	for name := range excuses {
		if !seen[name] {
			v.Unknown = append(v.Unknown, name)
		}
	}
	slices.Sort(v.Unknown)
	return v, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
