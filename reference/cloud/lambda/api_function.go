package lambda

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// codeRequest names the code of a create or update request.
type codeRequest struct {
	ZipFile  []byte
	S3Bucket string
	S3Key    string
	ImageURI string `json:"ImageUri"`
}

// store puts the code into the store.
func (s *Service) store(c *codeRequest) (code, error) {
	switch {
	case len(c.ZipFile) > 0:
		return s.code.addZip(c.ZipFile, &s.limits)
	case c.S3Bucket == hotReload:
		return s.code.addFile(c.S3Key)
	case c.S3Bucket != "":
		return code{}, invalid("code in S3 is not supported: give ZipFile, or S3Bucket %q with the absolute path of an executable as S3Key", hotReload)
	case c.ImageURI != "":
		return code{}, invalid("container images are not supported")
	}
	return code{}, invalid("Please provide a source for function code.")
}

func (s *Service) createFunction(r *wire.Request, _ []string) (answer, error) {
	var in struct {
		settings
		FunctionName string
		Code         codeRequest
		Publish      bool
		Tags         map[string]string
	}
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	name, qualifier, err := parseTarget(in.FunctionName)
	if err != nil {
		return answer{}, err
	}
	if qualifier != "" {
		return answer{}, invalid("a function is created without a qualifier")
	}
	s.state.change.Lock()
	defer s.state.change.Unlock()
	if s.state.function(name) != nil {
		return answer{}, conflict("Function already exist: %s", name)
	}
	c := newConfiguration(name, s.arn(name, ""))
	if err := c.apply(&in.settings, &s.limits); err != nil {
		return answer{}, err
	}
	stored, err := s.store(&in.Code)
	if err != nil {
		return answer{}, err
	}
	c.CodeSha256, c.CodeSize = stored.sum, stored.size
	c.LastModified, c.RevisionID = modified(r.Now), uuid.NewString()
	f := &function{versions: map[string]*Configuration{latest: c}, aliases: map[string]*Alias{}}
	f.record.NextVersion, f.record.Tags = 1, in.Tags
	shown := c
	if in.Publish {
		shown = f.publish(nil)
	}
	return answer{http.StatusCreated, shown}, s.state.put(name, f)
}

// publish adds a version that repeats $LATEST, or returns the last one if it does already.
func (f *function) publish(description *string) *Configuration {
	if last := f.lastPublished(); last != nil && f.latest().sameAs(last) {
		return last
	}
	c := *f.latest()
	c.Version = strconv.Itoa(f.record.NextVersion)
	c.FunctionArn += ":" + c.Version
	c.RevisionID = uuid.NewString()
	replace(&c.Description, description)
	f.versions[c.Version] = &c
	f.record.NextVersion++
	return &c
}

// shown finds the version that the path and ?Qualifier= of a request name. An alias shows the
// version it sends most to.
func (s *Service) shown(r *wire.Request, ref string) (*function, *Configuration, error) {
	name, qualifier, err := parseTarget(ref)
	if err != nil {
		return nil, nil, err
	}
	if q := r.HTTP.URL.Query().Get("Qualifier"); q != "" {
		qualifier = q
	}
	f := s.state.function(name)
	if f == nil {
		return nil, nil, notFound("Function not found: %s", s.arn(name, qualifier))
	}
	c, a, err := f.resolve(qualifier, func(*Alias) float64 { return 1 })
	if err != nil {
		return nil, nil, err
	}
	if a != nil {
		named := *c
		named.FunctionArn = a.AliasArn
		c = &named
	}
	return f, c, nil
}

func (s *Service) getFunction(r *wire.Request, args []string) (answer, error) {
	f, c, err := s.shown(r, args[0])
	if err != nil {
		return answer{}, err
	}
	type location struct{ RepositoryType, Location string }
	out := struct {
		Configuration *Configuration
		Code          location
		Tags          map[string]string `json:",omitempty"`
		Concurrency   *concurrency      `json:",omitempty"`
	}{c, location{"S3", "file://" + s.code.path(c.CodeSha256)}, f.record.Tags, nil}
	if f.record.Reserved != nil {
		out.Concurrency = &concurrency{f.record.Reserved}
	}
	return answer{body: out}, nil
}

func (s *Service) getConfiguration(r *wire.Request, args []string) (answer, error) {
	_, c, err := s.shown(r, args[0])
	return answer{body: c}, err
}

// change clones a function for modify, and makes the clone durable and current.
func (s *Service) change(ref string, modify func(f *function) error) error {
	name, _, err := parseTarget(ref)
	if err != nil {
		return err
	}
	s.state.change.Lock()
	defer s.state.change.Unlock()
	before := s.state.function(name)
	if before == nil {
		return notFound("Function not found: %s", s.arn(name, ""))
	}
	f := before.clone()
	if err := modify(f); err != nil {
		return err
	}
	if err := s.state.put(name, f); err != nil {
		return err
	}
	s.scheduler.retire(name, f)
	return nil
}

func (s *Service) updateConfiguration(r *wire.Request, args []string) (answer, error) {
	var in struct {
		settings
		RevisionID *string `json:"RevisionId"`
	}
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	var out *Configuration
	err := s.change(args[0], func(f *function) error {
		c := *f.latest()
		if err := checkRevision(in.RevisionID, c.RevisionID); err != nil {
			return err
		}
		c.LastModified, c.RevisionID = modified(r.Now), uuid.NewString()
		out = &c
		f.versions[latest] = out
		return c.apply(&in.settings, &s.limits)
	})
	return answer{body: out}, err
}

func (s *Service) updateCode(r *wire.Request, args []string) (answer, error) {
	var in struct {
		codeRequest
		Publish    bool
		DryRun     bool
		RevisionID *string `json:"RevisionId"`
	}
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	var out *Configuration
	err := s.change(args[0], func(f *function) error {
		c := *f.latest()
		if err := checkRevision(in.RevisionID, c.RevisionID); err != nil {
			return err
		}
		stored, err := s.store(&in.codeRequest)
		if err != nil {
			return err
		}
		c.CodeSha256, c.CodeSize = stored.sum, stored.size
		c.LastModified, c.RevisionID = modified(r.Now), uuid.NewString()
		out = &c
		if in.DryRun {
			return nil
		}
		f.versions[latest] = out
		if in.Publish {
			out = f.publish(nil)
		}
		return nil
	})
	return answer{body: out}, err
}

func (s *Service) publishVersion(r *wire.Request, args []string) (answer, error) {
	var in struct {
		CodeSha256  string
		Description *string
		RevisionID  *string `json:"RevisionId"`
	}
	if err := wire.Decode(r, &in); err != nil {
		return answer{}, err
	}
	var out *Configuration
	err := s.change(args[0], func(f *function) error {
		if err := checkRevision(in.RevisionID, f.latest().RevisionID); err != nil {
			return err
		}
		if in.CodeSha256 != "" && in.CodeSha256 != f.latest().CodeSha256 {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				in.CodeSha256, f.latest().CodeSha256)
		}
		out = f.publish(in.Description)
		return nil
	})
	return answer{http.StatusCreated, out}, err
}

func (s *Service) listVersions(r *wire.Request, args []string) (answer, error) {
	name, _, err := parseTarget(args[0])
	if err != nil {
		return answer{}, err
	}
	f := s.state.function(name)
	if f == nil {
		return answer{}, notFound("Function not found: %s", s.arn(name, ""))
	}
	all := make([]*Configuration, 0, len(f.versions))
	for _, c := range f.versions {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Configuration) int { return versionNumber(a.Version) - versionNumber(b.Version) })
	page, next, err := paginate(r, all)
	return answer{body: map[string]any{"Versions": page, "NextMarker": next}}, err
}

// versionNumber orders versions; $LATEST is 0 and so first.
func versionNumber(v string) int {
	n, _ := strconv.Atoi(v)
	return n
}

func (s *Service) listFunctions(r *wire.Request, _ []string) (answer, error) {
	all := []*Configuration{}
	for _, f := range s.state.functions() {
		if r.HTTP.URL.Query().Get("FunctionVersion") != "ALL" {
			all = append(all, f.latest())
			continue
		}
		for _, c := range f.versions {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *Configuration) int {
		if d := strings.Compare(a.FunctionName, b.FunctionName); d != 0 {
			return d
		}
		return versionNumber(a.Version) - versionNumber(b.Version)
	})
	page, next, err := paginate(r, all)
	return answer{body: map[string]any{"Functions": page, "NextMarker": next}}, err
}

// paginate cuts a list by ?Marker= and ?MaxItems= (50, at most 10,000). A marker is the index
// of the next item; there is none after the last.
func paginate[T any](r *wire.Request, all []T) (page []T, next *string, err error) {
	q := r.HTTP.URL.Query()
	most := 50
	if v := q.Get("MaxItems"); v != "" {
		if most, err = strconv.Atoi(v); err != nil || most < 1 || most > 10000 {
			return nil, nil, invalid("Value '%s' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 10000", v)
		}
	}
	from := 0
	if v := q.Get("Marker"); v != "" {
		if from, err = strconv.Atoi(v); err != nil || from < 0 {
			return nil, nil, invalid("Value '%s' at 'marker' is no marker of this service", v)
		}
	}
	from = min(from, len(all))
	to := min(from+most, len(all))
	if to < len(all) {
		marker := strconv.Itoa(to)
		next = &marker
	}
	return all[from:to], next, nil
}

// deleteFunction deletes a function with everything of it, or one published version.
func (s *Service) deleteFunction(r *wire.Request, args []string) (answer, error) {
	name, version, err := parseTarget(args[0])
	if err != nil {
		return answer{}, err
	}
	if q := r.HTTP.URL.Query().Get("Qualifier"); q != "" {
		version = q
	}
	if version != "" {
		return answer{status: http.StatusNoContent}, s.deleteVersion(name, version)
	}
	s.state.change.Lock()
	defer s.state.change.Unlock()
	if s.state.function(name) == nil {
		return answer{}, notFound("Function not found: %s", s.arn(name, ""))
	}
	if err := s.state.put(name, nil); err != nil {
		return answer{}, err
	}
	s.scheduler.retire(name, nil)
	_ = s.scheduler.setReserved(name, nil) // clearing never fails
	return answer{status: http.StatusNoContent}, nil
}

func (s *Service) deleteVersion(name, version string) error {
	return s.change(name, func(f *function) error {
		if !versionName.MatchString(version) {
			return invalid("$LATEST version cannot be deleted without deleting the function.")
		}
		for _, a := range f.aliases {
			if a.refers(version) {
				return conflict("Version %s has alias %s pointing to it. Remove the alias or point it elsewhere first.", version, a.Name)
			}
		}
		if f.versions[version] == nil {
			return notFound("Function not found: %s", s.arn(name, version))
		}
		delete(f.versions, version)
		return nil
	})
}
