package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

//go:embed *.yaml
var shipped embed.FS

// ErrNotFound is returned for a name that no shipped scenario has, or a file that is not there.
var ErrNotFound = errors.New("no such scenario")

// Names lists the shipped scenarios.
func Names() []string {
	files, err := fs.Glob(shipped, "*.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".yaml")
	}
	return files
}

// Source is the text of a shipped scenario, comments included. The error wraps [ErrNotFound].
func Source(name string) ([]byte, error) {
	text, err := shipped.ReadFile(name + ".yaml")
	if err != nil || strings.ContainsAny(name, "/.") {
		return nil, fmt.Errorf("scenario %q%s: %w; shipped: %s", name, Suggest(name, Names()), ErrNotFound, strings.Join(Names(), ", "))
	}
	return text, nil
}

// Open reads a shipped scenario by its name, or a file: a name with a slash, or one that ends in
// .yaml or .yml. It applies overrides and checks as [Parse] does. The error is [Diagnostics], wraps
// [ErrNotFound], or is the file system's.
func Open(nameOrFile string, overrides []string, checks ...Check) (*Scenario, error) {
	if !strings.ContainsAny(nameOrFile, "/\\") && !strings.HasSuffix(nameOrFile, ".yaml") && !strings.HasSuffix(nameOrFile, ".yml") {
		text, err := Source(nameOrFile)
		if err != nil {
			return nil, err
		}
		s, err := Parse(nameOrFile+".yaml", text, overrides, checks...)
		if s != nil {
			s.File = ""
		}
		return s, err
	}
	text, err := os.ReadFile(nameOrFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("scenario %s: %w", nameOrFile, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrFile, text, overrides, checks...)
}
