package dynamodb

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// streamSpecification is how a caller wants a table's changes recorded.
type streamSpecification struct {
	StreamEnabled  *bool
	StreamViewType string `json:",omitempty"`
}

// What a stream's records hold.
const (
	viewKeys = "KEYS_ONLY"
	viewNew  = "NEW_IMAGE"
	viewOld  = "OLD_IMAGE"
	viewBoth = "NEW_AND_OLD_IMAGES"
)

func (w *streamSpecification) check() error {
	var bad constraints
	bad.notNull(w.StreamEnabled == nil, "streamSpecification.streamEnabled")
	if w.StreamViewType != "" {
		bad.oneOf([]byte(w.StreamViewType), "streamSpecification.streamViewType", viewNew, viewOld, viewBoth, viewKeys)
	}
	return bad.err()
}

// tableStream is what a table knows of its latest stream.
type tableStream struct {
	ID    uint32
	Label string
	On    bool
}

// streamDescription is what is kept of a stream, which outlives its table.
type streamDescription struct {
	Table   string
	Label   string
	View    string
	Created time.Time
	Keys    []keyElement
}

func (d *streamDescription) arn(s *Service) string { return s.arn(d.Table) + "/stream/" + d.Label }

// describeStored is a stored stream's description.
func describeStored(st *store.Stream) (d streamDescription, err error) {
	if err := json.Unmarshal(st.Description(), &d); err != nil {
		return d, fmt.Errorf("read stream %d: %w", st.ID(), err)
	}
	return d, nil
}

// streamLabel tells the streams of a table apart: the moment of its creation.
const streamLabel = "2006-01-02T15:04:05.000"

// startStream begins to record a table's changes, once its definition is saved. The caller holds
// s.mu.
func (s *Service) startStream(now time.Time, d *definition, view string) error {
	of := streamDescription{Table: d.TableName, Label: now.UTC().Format(streamLabel), View: view, Created: now, Keys: d.KeySchema}
	for s.findStream(of.arn(s)) != nil { // another of the same millisecond
		now = now.Add(time.Millisecond)
		of.Label = now.UTC().Format(streamLabel)
	}
	text, err := json.Marshal(of)
	if err != nil {
		return fmt.Errorf("encode stream of table %s: %w", d.TableName, err)
	}
	st, err := s.store.CreateStream(now, store.Images{Old: view == viewOld || view == viewBoth, New: view == viewNew || view == viewBoth}, text)
	if err != nil {
		return err
	}
	d.Stream = &tableStream{ID: st.ID(), Label: of.Label, On: true}
	return nil
}

// streamAtCreation gives a table that is being created the stream that was asked for.
func (s *Service) streamAtCreation(now time.Time, d *definition, want *streamSpecification) error {
	if want == nil || !*want.StreamEnabled {
		return nil
	}
	return s.startStream(now, d, want.StreamViewType)
}

// checkAtCreation refuses a specification that makes no sense for a new table.
func (w *streamSpecification) checkAtCreation() error {
	if w == nil {
		return nil
	}
	if err := w.check(); err != nil {
		return err
	}
	switch {
	case *w.StreamEnabled && w.StreamViewType == "":
		return invalid(wrong + "Table is being created with a stream enabled, UpdateViewType is required")
	case !*w.StreamEnabled && w.StreamViewType != "":
		return invalid(wrong + "Table is being created with a stream disabled, UpdateViewType should not be specified")
	}
	return nil
}

// switchStream changes a definition as an update of the table wants. The stream that it ends is
// to be closed when the definition is saved. The caller holds s.mu.
func (s *Service) switchStream(now time.Time, d *definition, want *streamSpecification) (ended *store.Stream, err error) {
	if want == nil {
		return nil, nil
	}
	if err := want.check(); err != nil {
		return nil, err
	}
	on := d.Stream != nil && d.Stream.On
	switch {
	case *want.StreamEnabled && want.StreamViewType == "":
		return nil, invalid(wrong + "If stream is being enabled then UpdateViewType is required")
	case !*want.StreamEnabled && want.StreamViewType != "":
		return nil, invalid(wrong + "If stream is being disabled, then UpdateViewType must not be specified")
	case *want.StreamEnabled && on:
		return nil, invalid("Table already has an enabled stream: TableName: %s", d.TableName)
	case !*want.StreamEnabled && !on:
		return nil, invalid("Table has no stream to disable: TableName: %s", d.TableName)
	case *want.StreamEnabled:
		return nil, s.startStream(now, d, want.StreamViewType)
	}
	ended = s.store.Stream(d.Stream.ID)
	d.Stream = &tableStream{ID: d.Stream.ID, Label: d.Stream.Label}
	return ended, nil
}

// schema is what the store works with for a definition, with its stream if it has one.
func (s *Service) schema(d *definition) *store.Table {
	t := d.schema()
	if d.Stream != nil && d.Stream.On {
		t.Stream = s.store.Stream(d.Stream.ID)
	}
	return t
}

// closeStreams ends the streams that no table writes to, which a crash may have left open.
func (s *Service) closeStreams(now time.Time) error {
	used := map[uint32]bool{}
	for _, t := range *s.tables.Load() {
		if t.schema.Stream != nil {
			used[t.schema.Stream.ID()] = true
		}
	}
	for _, st := range s.store.Streams() {
		if !used[st.ID()] {
			if err := s.store.CloseStream(now, st); err != nil {
				return err
			}
		}
	}
	return nil
}

// findStream is the stream of an ARN, or nil.
func (s *Service) findStream(arn string) *store.Stream {
	all := s.store.Streams()
	i := slices.IndexFunc(all, func(st *store.Stream) bool {
		d, err := describeStored(st)
		return err == nil && d.arn(s) == arn
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

// latestStream is what a table's description says of its stream.
type latestStream struct {
	LatestStreamArn     string               `json:",omitempty"`
	LatestStreamLabel   string               `json:",omitempty"`
	StreamSpecification *streamSpecification `json:",omitempty"`
}

func (s *Service) describeLatestStream(t *table) (out latestStream) {
	is := t.definition.Stream
	if is == nil {
		return out
	}
	out.LatestStreamLabel, out.LatestStreamArn = is.Label, s.arn(t.definition.TableName)+"/stream/"+is.Label
	if st := t.schema.Stream; st != nil {
		if d, err := describeStored(st); err == nil {
			on := true
			out.StreamSpecification = &streamSpecification{&on, d.View}
		}
	}
	return out
}
