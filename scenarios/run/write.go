package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/html"
	"github.com/retailflow/stampede/reports/json"
	"github.com/retailflow/stampede/reports/junit"
	"github.com/retailflow/stampede/reports/markdown"
)

// write puts the report's four forms into a folder. A file is complete or not there.
func write(dir string, r *reports.Result) error {
	var faults []error
	for name, render := range map[string]func(io.Writer, *reports.Result) error{
		"report.json": json.Write, "report.html": html.Write, "junit.xml": junit.Write, "summary.md": markdown.Write,
	} {
		faults = append(faults, writeFile(filepath.Join(dir, name), r, render))
	}
	return errors.Join(faults...)
}

func writeFile(path string, r *reports.Result, render func(io.Writer, *reports.Result) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(file.Name())
	if err := errors.Join(render(file, r), file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
