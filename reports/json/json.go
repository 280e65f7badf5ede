// Package json writes and reads report.json, the machine's form of a result. Entry points:
// [Write] and [Read]. It starts no goroutine and opens no file.
package json

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/retailflow/stampede/reports"
)

// Write writes a result as indented JSON.
func Write(w io.Writer, r *reports.Result) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Read reads what [Write] wrote, in this or an earlier build, and checks that it does not
// contradict itself. A schema of another number is refused; fields that this build does not know
// are skipped.
func Read(from io.Reader) (*reports.Result, error) {
	var r reports.Result
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	if !strings.HasPrefix(r.Schema, "stampede.report/") {
		return nil, fmt.Errorf("decode report: not a stampede report: schema is %q", r.Schema)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	return &r, nil
}
