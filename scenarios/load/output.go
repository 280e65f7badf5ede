package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/retailflow/stampede/loadgen/export"
	"github.com/retailflow/stampede/reports/html"
	"github.com/retailflow/stampede/reports/loadtest"
)

// Output is one place to which a result goes. Make one with [ParseOutput].
type Output struct {
	text   string
	format *format            // of a file; nil is a stream
	stream export.Destination // of metrics while the load runs
}

// format is how a file is written.
type format struct {
	extension string
	says      string
	write     func(io.Writer, *loadtest.Result) error
}

var formats = []format{
	{".json", "everything, with histograms that can be added up", loadtest.WriteJSON},
	{".html", "a page with charts that needs nothing else", html.WriteLoad},
	{".csv", "a row for each second", loadtest.WriteCSV},
	{".hgrm", "response times by percentile, for HdrHistogram's plotter", func(w io.Writer, r *loadtest.Result) error {
		return loadtest.WriteHGRM(w, &r.Measure.Select(nil).Latency)
	}},
}

// Outputs lists the forms that [ParseOutput] reads, for help texts.
func Outputs() string {
	var lines []string
	for _, f := range formats {
		lines = append(lines, fmt.Sprintf("  %-36s %s", "FILE"+f.extension, f.says))
	}
	for _, f := range export.Forms() {
		lines = append(lines, fmt.Sprintf("  %-36s %s", f[0], f[1]))
	}
	return strings.Join(lines, "\n")
}

// ParseOutput reads a file name by its extension, or a URL by its scheme.
func ParseOutput(text string) (Output, error) {
	if strings.Contains(text, "://") {
		stream, err := export.Parse(text)
		if err != nil {
			return Output{}, fmt.Errorf("%w; allowed are\n%s", err, Outputs())
		}
		return Output{text: text, stream: stream}, nil
	}
	for i, f := range formats {
		if filepath.Ext(text) == f.extension {
			return Output{text: text, format: &formats[i]}, nil
		}
	}
	return Output{}, fmt.Errorf("output %q: no such form; allowed are\n%s", text, Outputs())
}

// files are the outputs that are written at the end. They are begun before the load, beside where
// they will be, so that one that cannot be written is known in time.
type files []file

type file struct {
	Output
	temporary *os.File
}

func openOutputs(all []Output) (files, error) {
	var open files
	for _, o := range all {
		if o.format == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(o.text), 0o755); err != nil {
			open.discard()
			return nil, fmt.Errorf("output %s: %w", o.text, err)
		}
		f, err := os.CreateTemp(filepath.Dir(o.text), "."+filepath.Base(o.text)+".*")
		if err != nil {
			open.discard()
			return nil, fmt.Errorf("output %s: %w", o.text, err)
		}
		open = append(open, file{o, f})
	}
	return open, nil
}

// write fills the files and gives them their names.
func (all files) write(r *loadtest.Result) error {
	var faults []error
	for _, f := range all {
		err := f.format.write(f.temporary, r)
		err = errors.Join(err, f.temporary.Chmod(0o644), f.temporary.Close())
		if err == nil {
			err = os.Rename(f.temporary.Name(), f.text)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("output %s: %w", f.text, err))
		}
	}
	return errors.Join(faults...)
}

// discard removes what was not written; written files have gone from where they were begun.
func (all files) discard() {
	for _, f := range all {
		_ = f.temporary.Close()
		_ = os.Remove(f.temporary.Name())
	}
}
