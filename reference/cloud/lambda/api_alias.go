package lambda

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func (s *Service) createAlias(r *wire.Request, args []string) (answer, error) {
	in := new(Alias)
	if err := wire.Decode(r, in); err != nil {
		return answer{}, err
	}
	err := s.change(args[0], func(f *function) error {
		if err := in.check(f); err != nil {
			return err
		}
		if f.aliases[in.Name] != nil {
			return conflict("Alias already exists: %s:%s", f.latest().FunctionArn, in.Name)
		}
		in.AliasArn = f.latest().FunctionArn + ":" + in.Name
		in.RevisionID = uuid.NewString()
		f.aliases[in.Name] = in
		return nil
	})
	return answer{http.StatusCreated, in}, err
}

// updateAlias replaces what the request names. A RoutingConfig replaces the whole of the one
// before, so an empty one ends the routing; without one it stays.
func (s *Service) updateAlias(r *wire.Request, args []string) (answer, error) {
	var in struct {
		FunctionVersion *string
		Description     *string
		RoutingConfig   *Routing
		RevisionID      *string `json:"RevisionId"`
	}
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	var out *Alias
	err := s.change(args[0], func(f *function) error {
		before, err := f.alias(args[1])
		if err != nil {
			return err
		}
		if err := checkRevision(in.RevisionID, before.RevisionID); err != nil {
			return err
		}
		a := *before
		replace(&a.FunctionVersion, in.FunctionVersion)
		replace(&a.Description, in.Description)
		if in.RoutingConfig != nil {
			a.RoutingConfig = in.RoutingConfig
		}
		if err := a.check(f); err != nil {
			return err
		}
		a.RevisionID = uuid.NewString()
		out = &a
		f.aliases[a.Name] = out
		return nil
	})
	return answer{body: out}, err
}

func (f *function) alias(name string) (*Alias, error) {
	if a := f.aliases[name]; a != nil {
		return a, nil
	}
	return nil, notFound("Cannot find alias arn: %s:%s", f.latest().FunctionArn, name)
}

// existing finds the function of a request that changes nothing.
func (s *Service) existing(ref string) (*function, error) {
	name, _, err := parseTarget(ref)
	if err != nil {
		return nil, err
	}
	if f := s.state.function(name); f != nil {
		return f, nil
	}
	return nil, notFound("Function not found: %s", s.arn(name, ""))
}

func (s *Service) getAlias(_ *wire.Request, args []string) (answer, error) {
	f, err := s.existing(args[0])
	if err != nil {
		return answer{}, err
	}
	a, err := f.alias(args[1])
	return answer{body: a}, err
}

func (s *Service) listAliases(r *wire.Request, args []string) (answer, error) {
	f, err := s.existing(args[0])
	if err != nil {
		return answer{}, err
	}
	version := r.HTTP.URL.Query().Get("FunctionVersion")
	all := []*Alias{}
	for _, a := range f.aliases {
		if version == "" || a.FunctionVersion == version {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *Alias) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := paginate(r, all)
	return answer{body: map[string]any{"Aliases": page, "NextMarker": next}}, err
}

// deleteAlias succeeds, as AWS's does, when there is no such alias.
func (s *Service) deleteAlias(_ *wire.Request, args []string) (answer, error) {
	err := s.change(args[0], func(f *function) error {
		delete(f.aliases, args[1])
		return nil
	})
	return answer{status: http.StatusNoContent}, err
}
