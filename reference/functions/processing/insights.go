package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// ErrBlockMissing is wrapped when a block that a marker or a roll-up names is not in the table.
var ErrBlockMissing = errors.New("named block is missing")

// InsightsOptions are what [NewInsights] needs. DB and Tables must be set.
type InsightsOptions struct {
	DB     DynamoDB
	Tables Tables

	Parallel    int                                                   // calls to DynamoDB at once; 0 means 4
	CacheBytes  int                                                   // blocks kept between passes; 0 means 64 MiB, negative none
	CoarseEvery time.Duration                                         // hours and days of a shard are looked at so often; 0 means 15 s, negative in every pass
	Margin      time.Duration                                         // time before the deadline at which nothing new is begun; 0 means 2 s
	Compute     func(done, fresh []codec.Block) (codec.Result, error) // nil means [codec.Compute]
	Now         func() time.Time                                      // nil means time.Now
	Wait        func(context.Context, time.Duration) error            // between retries; nil waits on a timer
	Log         *slog.Logger                                          // nil discards
}

// EnsureDefaults fills in what is zero.
func (o *InsightsOptions) EnsureDefaults() {
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.CoarseEvery == 0 {
		o.CoarseEvery = 15 * time.Second
	}
	if o.Margin == 0 {
		o.Margin = 2 * time.Second
	}
	if o.Compute == nil {
		o.Compute = codec.Compute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = pause
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Pass asks process-insights for one pass over one marker shard.
type Pass struct {
	Shard int `json:"shard"` // 0 to store.MarkerShards-1
	// Seconds from the beginning of this pass to that of the next; 0 makes no appointment.
	Seconds float64 `json:"seconds,omitempty"`
}

// Report is what a pass did. Left and Stopped are not errors: Left is work for the next pass,
// Stopped is work that no pass can do, whose markers stay for whoever looks into it.
type Report struct {
	Shard   int `json:"shard"`
	Markers int `json:"markers"` // minute markers read
	Deleted int `json:"deleted"` // of them, done and deleted
	Minutes int `json:"minutes"` // tenant-minutes that the markers named
	Commits int `json:"commits"` // roll-ups of minutes written
	Facts   int `json:"facts"`   // order facts written or corrected
	Hours   int `json:"hours"`   // roll-ups of hours written
	Days    int `json:"days"`
	Left    int `json:"left"`    // tenant-minutes, hours and days that are due and not done
	Stopped int `json:"stopped"` // tenant-minutes that cannot be recomputed

	Next time.Time `json:"next,omitzero"` // when the next pass is to begin
}

// maxMarkers bounds what one pass takes on.
const maxMarkers = 4000

// Insights is the handler of process-insights.
type Insights struct {
	o     InsightsOptions
	db    database
	cache blockCache
	zones zoneCache

	looked struct { // when hours and days were last looked at
		sync.Mutex
		at [store.MarkerShards]time.Time
	}
}

// NewInsights makes the handler. It may serve calls at once, though one a shard is enough:
// workers that overlap waste work and never break it.
func NewInsights(o InsightsOptions) *Insights {
	o.EnsureDefaults()
	n := &Insights{o: o, db: newDatabase(o.DB, o.Parallel, o.Wait)}
	n.cache.most = o.CacheBytes / 2
	return n
}

// Handle makes one pass: minutes first, then hours, then days. It begins nothing new when the
// context's deadline is nearer than Margin. An error ends the pass; all of its work that is not
// committed still has its markers.
func (n *Insights) Handle(ctx context.Context, pass Pass) (Report, error) {
	report := Report{Shard: pass.Shard}
	if pass.Shard < 0 || pass.Shard >= store.MarkerShards {
		return report, fmt.Errorf("marker shard %d: want 0 to %d", pass.Shard, store.MarkerShards-1)
	}
	began := n.o.Now()
	if pass.Seconds > 0 {
		report.Next = began.Add(time.Duration(pass.Seconds * float64(time.Second))).UTC()
	}
	traces, err := n.minutes(ctx, &report)
	if err == nil && n.coarseDue(pass.Shard, began) {
		left := report.Left
		if err = n.hours(ctx, &report); err == nil {
			err = n.days(ctx, &report)
		}
		if err != nil || report.Left > left {
			n.coarseDue(pass.Shard, time.Time{}) // again in the next pass
		}
	}
	level := slog.LevelInfo
	if report.Stopped > 0 || err != nil {
		level = slog.LevelError
	}
	n.o.Log.LogAttrs(ctx, level, "pass done", slog.Any("report", report),
		slog.Int64("took_ms", n.o.Now().Sub(began).Milliseconds()), slog.Any("correlation_ids", sample(traces)))
	if err != nil {
		return report, fmt.Errorf("pass over marker shard %d: %w", pass.Shard, err)
	}
	return report, nil
}

// coarseDue spares most passes the reading of markers of hours and days that are still open. It
// notes now as the last look; the zero time means none.
func (n *Insights) coarseDue(shard int, now time.Time) bool {
	n.looked.Lock()
	defer n.looked.Unlock()
	if last := n.looked.at[shard]; !last.IsZero() && !now.IsZero() && now.Sub(last) < n.o.CoarseEvery {
		return false
	}
	n.looked.at[shard] = now
	return true
}

// late says whether it is too late to begin anything new.
func (n *Insights) late(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && n.o.Now().Add(n.o.Margin).After(deadline)
}

// chunkMinutes is how many tenant-minutes are read, computed and committed together: one
// BatchGetItem of heads, and memory for their blocks.
const chunkMinutes = batchGetKeys

// minutes recomputes what the shard's minute markers name and deletes the markers that are done.
func (n *Insights) minutes(ctx context.Context, report *Report) (traces []string, err error) {
	markers, works, err := n.dirtyMinutes(ctx, report)
	if err != nil {
		return nil, err
	}
	report.Minutes += len(works)
	next := 0
	for ; next < len(works) && !n.late(ctx); next += chunkMinutes {
		chunk := works[next:min(next+chunkMinutes, len(works))]
		if err = n.recompute(ctx, chunk, report); err != nil {
			break
		}
	}
	for _, w := range works {
		switch {
		case w.stop != nil:
			report.Stopped++
			n.o.Log.LogAttrs(ctx, slog.LevelError, "minute stopped", slog.String("tenant", w.tenant),
				slog.Time("minute", w.minute), slog.Any("error", w.stop))
		case !w.done:
			report.Left++
		case w.trace != "":
			traces = append(traces, w.trace)
		}
	}
	// Even after an error: what is committed needs no other pass.
	deleted, deleteErr := n.deleteMarkers(ctx, markers)
	report.Deleted += deleted
	return traces, errors.Join(err, deleteErr)
}

// minuteMarker is a marker and the tenant-minutes that it names.
type minuteMarker struct {
	store.Marker
	names []*minuteWork
	stop  error // it cannot be read
}

// dirtyMinutes reads the shard's minute markers, oldest minutes first, and what they name, each
// tenant-minute once. It may read eventually: a marker too many finds its work done, one too few
// waits for the next pass.
func (n *Insights) dirtyMinutes(ctx context.Context, report *Report) (markers []*minuteMarker, works []*minuteWork, err error) {
	from, to := store.MinuteMarkers()
	items, more, err := n.db.query(ctx, n.o.Tables.Analytics, span{pk: store.MarkerPK(report.Shard), from: from, to: to, most: maxMarkers})
	if err != nil {
		return nil, nil, fmt.Errorf("markers: %w", err)
	}
	if more {
		report.Left++
	}
	report.Markers += len(items)
	type place struct {
		tenant string
		minute int64
	}
	byPlace := map[place]*minuteWork{}
	for _, it := range items {
		m := &minuteMarker{}
		var entries []codec.MarkerEntry
		if m.Marker, m.stop = store.ParseMarker(it); m.stop == nil {
			entries, m.stop = codec.DecodeMarker(m.Body)
		}
		if m.stop != nil {
			report.Stopped++
			n.o.Log.LogAttrs(ctx, slog.LevelError, "marker stopped", slog.String("marker", store.KeyOf(it).String()), slog.Any("error", m.stop))
			continue
		}
		markers = append(markers, m)
		for _, e := range entries {
			at := place{e.Tenant, m.Minute.Unix() / 60}
			w := byPlace[at]
			if w == nil {
				w = &minuteWork{tenant: e.Tenant, minute: m.Minute}
				byPlace[at] = w
				works = append(works, w)
			}
			w.name(m.Object, e)
			m.names = append(m.names, w)
		}
	}
	return markers, works, nil
}

// deleteMarkers deletes every marker all of whose tenants are committed, on condition that it is
// still the one that was read.
func (n *Insights) deleteMarkers(ctx context.Context, markers []*minuteMarker) (int, error) {
	var entries []*entry
	for _, m := range markers {
		complete := true
		for _, w := range m.names {
			complete = complete && w.done
		}
		if complete {
			entries = append(entries, &entry{actions: []types.TransactWriteItem{deleteMarker(n.o.Tables.Analytics, m.Marker)}})
		}
	}
	outcomes, err := n.db.commit(ctx, entries)
	deleted := 0
	for _, o := range outcomes {
		if o == committed {
			deleted++
		}
	}
	if err != nil {
		return deleted, fmt.Errorf("delete markers: %w", err)
	}
	return deleted, nil
}
