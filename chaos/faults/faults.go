package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults/killfunction"
	"github.com/retailflow/stampede/chaos/faults/killprocess"
	"github.com/retailflow/stampede/chaos/faults/releasefunction"
)

// Fault applies one fault once.
type Fault interface {
	// Prepare changes nothing. It returns the inverse, which is to be on disk before Apply.
	Prepare(ctx context.Context) (inverse json.RawMessage, err error)
	// Apply puts the fault in force and returns details for who waits for it. It may have done a
	// part when it fails: Revert follows in any case.
	Apply(ctx context.Context) (details map[string]string, err error)
	// Revert undoes it. It may be repeated, and called on a value of another life of the process
	// that has only the inverse.
	Revert(ctx context.Context, inverse json.RawMessage) error
	// Hits says what was confirmed so far, also after Revert.
	Hits(ctx context.Context) fault.Hits
}

// World is where faults find what they strike.
type World struct {
	Dir       string       // run folder, with `<name>.pid` of each process
	Edge      string       // base URL of the cloud process that runs the functions
	AccessKey string       // of the Lambda API; "" is local:local
	Secret    string       //
	Wrapper   []string     // the command that runs releasefunction.Wrap
	HTTP      *http.Client // for admin pages; nil is http.DefaultClient
}

// entry is a kind and how it is made.
type entry struct {
	kind fault.Kind
	make func(f fault.Fault, w World) (Fault, error)
}

// entries are all faults there are.
var entries = []entry{
	{fault.KillFunction, func(f fault.Fault, w World) (Fault, error) { return killfunction.New(f, w.Edge, w.HTTP), nil }},
	{fault.KillProcess, func(f fault.Fault, w World) (Fault, error) { return killprocess.New(f, w.Dir, nil), nil }},
	{fault.ReleaseFunction, func(f fault.Fault, w World) (Fault, error) {
		return releasefunction.New(f, releasefunction.Options{Edge: w.Edge, AccessKey: w.AccessKey, Secret: w.Secret, Wrapper: w.Wrapper})
	}},
}

// New makes the fault that a value describes.
func New(f fault.Fault, w World) (Fault, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("fault %s: %w", f.Name, err)
	}
	for _, e := range entries {
		if e.kind == f.Kind {
			return e.make(f, w)
		}
	}
	return nil, fmt.Errorf("fault %s: nothing applies the kind %s", f.Name, f.Kind)
}
