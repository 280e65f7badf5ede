// Package junit writes a result as junit.xml, which CI systems show as tests: one suite a group
// of checks, one case a check. Entry point: [Write]. It starts no goroutine and opens no file.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/retailflow/stampede/reports"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Timestamp  string      `xml:"timestamp,attr"`
	Hostname   string      `xml:"hostname,attr"`
	Properties *properties `xml:"properties"`
	Cases      []testcase  `xml:"testcase"`
}

type properties struct {
	List []property `xml:"property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *outcome `xml:"failure,omitempty"`
	Error   *outcome `xml:"error,omitempty"`
	Skipped *outcome `xml:"skipped,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Write writes the document. FAIL is a failure. INVALID is an error, and so is a required check
// that is INCONCLUSIVE or UNKNOWN, since it keeps the run from PASS; an optional one is skipped.
func Write(w io.Writer, r *reports.Result) error {
	all := suites{Name: "stampede " + r.Scenario.Name, Time: fmt.Sprintf("%.3f", r.Ended.Sub(r.Started).Seconds())}
	for _, g := range reports.GroupsOf(r.Checks) {
		s := suite{Name: "stampede." + r.Scenario.Name + "." + string(g), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"), Hostname: r.Environment.Host}
		if len(all.Suites) == 0 {
			s.Properties = &properties{[]property{
				{"verdict", string(r.Verdict)}, {"seed", fmt.Sprint(r.Scenario.Seed)}, {"command", r.Scenario.Command}, {"scenario.sha256", r.Scenario.SHA256},
			}}
		}
		for _, c := range r.Checks {
			if c.Group == g {
				s.add(c)
			}
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode junit: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, text); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	return nil
}

func (s *suite) add(c reports.Check) {
	tc := testcase{Class: s.Name, Name: c.Name}
	o := &outcome{Message: c.Observed, Type: string(c.Status), Text: describe(c)}
	switch {
	case c.Status == reports.Pass:
		tc.Out = o.Text
	case c.Status == reports.Fail:
		tc.Failure = o
		s.Failures++
	case (c.Status == reports.Inconclusive || c.Status == reports.Unknown) && !c.Required:
		tc.Skipped = o
		s.Skipped++
	default:
		tc.Error = o
		s.Errors++
	}
	s.Tests++
	s.Cases = append(s.Cases, tc)
}

// describe is the check in lines of text.
func describe(c reports.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "objective: %s\nobserved:  %s\n", c.Objective, c.Observed)
	if c.Detail != "" {
		fmt.Fprintln(&b, c.Detail)
	}
	for _, e := range c.Examples {
		fmt.Fprintf(&b, "example:   %s\n", e)
	}
	return b.String()
}
