package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	client "github.com/prometheus/client_model/go"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/disk"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Options say where a store lives. Dir is required.
type Options struct {
	Dir      string
	FS       vfs.FS       // nil is the disk
	Cache    int64        // bytes of blocks kept in memory beside full memtables; zero is 64 MiB
	MemTable uint64       // bytes of a table in memory before it goes to disk; zero is 64 MiB
	Log      *slog.Logger // nil is silence
}

// memTables is how many tables in memory there may be before writes wait for the disk.
const memTables = 3

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db       *pebble.DB
	disk     *disk.FS
	stripes  [stripes]stripe
	flying   atomic.Int64 // commits that are visible, or about to be, and not durable
	carriers carriers
	units    sync.Pool

	mu struct {
		sync.Mutex
		next    uint32               // the next table's id
		running map[TokenID]struct{} // tokens of transactions that are being written
		expire  []expiry             // tokens on disk in the order in which they expire
		streams map[uint32]*Stream
	}
}

type expiry struct {
	at time.Time
	id TokenID
}

// Open opens or creates a store and recovers what was acknowledged.
func Open(o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Cache == 0 {
		o.Cache = 64 << 20
	}
	if o.MemTable == 0 {
		o.MemTable = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	// Pebble takes its memtables out of the cache: one no larger than they are would keep no block.
	cache := pebble.NewCache(o.Cache + memTables*int64(o.MemTable))
	defer cache.Unref()
	d := disk.New(o.FS, o.Log)
	opts := &pebble.Options{
		FS:                          d,
		EventListener:               d.Listener(),
		Cache:                       cache,
		Logger:                      logger{o.Log},
		MemTableSize:                o.MemTable,
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               256 << 20,
		BytesPerSync:                1 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
	}
	for i := range opts.Levels {
		l := &opts.Levels[i]
		l.BlockSize = 16 << 10
		l.IndexBlockSize = 64 << 10
		l.FilterPolicy = bloom.FilterPolicy(10)
		l.Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	}
	db, err := pebble.Open(o.Dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Dir, err)
	}
	d.Arm()
	s := &Store{db: db, disk: d}
	s.carriers.open()
	for i := range s.stripes {
		s.stripes[i].turn = make(chan struct{}, 1)
	}
	s.mu.running = map[TokenID]struct{}{}
	s.units.New = func() any { return &Unit{store: s} }
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("recover store %s: %w", o.Dir, err), s.Close())
	}
	return s, nil
}

// layout is how keys are made: the second places partition keys by DynamoDB's own hash.
const layout = 2

// ErrLayout is met where another version of this program has laid out the tables.
var ErrLayout = errors.New("the tables were laid out by another version of this program: take another folder, or remove this one")

// checkLayout makes sure that keys lie where they are looked for.
func (s *Store) checkLayout() error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return err
	}
	if empty {
		return s.db.Set([]byte{spaceLayout}, []byte{layout}, pebble.Sync)
	}
	v, closer, err := s.db.Get([]byte{spaceLayout})
	if errors.Is(err, pebble.ErrNotFound) {
		return ErrLayout
	}
	if err != nil {
		return err
	}
	if len(v) != 1 || v[0] != layout {
		err = ErrLayout
	}
	return errors.Join(err, closer.Close())
}

// recover reads the next table id, the streams and the tokens, and removes what a dropped table left.
func (s *Store) recover() error {
	if err := s.checkLayout(); err != nil {
		return err
	}
	s.mu.next = 1
	v, closer, err := s.db.Get([]byte{spaceNext})
	switch {
	case err == nil:
		s.mu.next = binary.BigEndian.Uint32(v)
		if err := closer.Close(); err != nil {
			return err
		}
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	if err := s.loadStreams(); err != nil {
		return err
	}
	return s.loadTokens()
}

// Close waits until nothing runs any more and closes the files. No call may be under way. A disk
// that stays sick keeps the files from being closed: then Close fails, and what waits for the
// disk waits on. What was acknowledged is in the log.
func (s *Store) Close() error {
	if err := s.settled(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	s.carriers.close()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Size estimates the bytes on disk of a table with its indexes.
func (s *Store) Size(t *Table) (uint64, error) {
	from := appendTablePrefix(nil, t.ID)
	n, err := s.db.EstimateDiskUsage(from, appendTablePrefix(nil, t.ID+1))
	if err != nil {
		return 0, fmt.Errorf("measure table %d: %w", t.ID, err)
	}
	return n, nil
}

// CollectionSize estimates the bytes on disk of a partition key's items, with their entries in
// local indexes.
func (s *Store) CollectionSize(t *Table, pk item.Value) (uint64, error) {
	spaces, sum := []Space{{Table: t}}, uint64(0)
	for i := range t.Indexes {
		if t.Indexes[i].Local {
			spaces = append(spaces, Space{t, &t.Indexes[i]})
		}
	}
	for _, space := range spaces {
		r := space.Partition(pk, Bound{})
		n, err := s.db.EstimateDiskUsage(r.From, r.To)
		if err != nil {
			return 0, fmt.Errorf("measure item collection: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// Get appends the value under a key to dst; found is false if there is none. What it returns
// is durable.
func (s *Store) Get(dst, key []byte) (value []byte, found bool, err error) {
	value, found, err = s.get(s.db, dst, key)
	if err == nil {
		err = s.await(s.stripes[s.stripe(key)].last.Load())
	}
	return value, found, err
}

func (s *Store) stripe(key []byte) uint32 {
	return stripeOf(binary.BigEndian.Uint32(key[1:]), HashOf(key))
}

func (s *Store) get(from pebble.Reader, dst, key []byte) ([]byte, bool, error) {
	v, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("read item: %w", err)
	}
	dst = append(dst, v...)
	return dst, true, closeValue(closer)
}

func closeValue(c io.Closer) error {
	if err := c.Close(); err != nil {
		return fmt.Errorf("release item: %w", err)
	}
	return nil
}

// Metrics are numbers of the database for a report.
type Metrics struct {
	DiskBytes     uint64 `json:"disk_bytes"`
	MemTableBytes uint64 `json:"memtable_bytes"`
	LogBytes      uint64 `json:"log_bytes_written"`
	Compactions   int64  `json:"compactions"`
	Running       int64  `json:"compactions_running"` // flushes included
	Syncs         int64  `json:"log_syncs"`
}

// Metrics reads the numbers.
func (s *Store) Metrics() Metrics {
	m := s.db.Metrics()
	return Metrics{
		DiskBytes: m.DiskSpaceUsage(), MemTableBytes: m.MemTable.Size, LogBytes: m.WAL.BytesWritten, Compactions: m.Compact.Count,
		Running: m.Compact.NumInProgress + m.Flush.NumInProgress, Syncs: syncs(m),
	}
}

// syncs is how often the log was synced. Pebble tells it only as the count of a histogram.
func syncs(m *pebble.Metrics) int64 {
	var h client.Metric
	if m.LogWriter.FsyncLatency == nil || m.LogWriter.FsyncLatency.Write(&h) != nil {
		return 0
	}
	return int64(h.GetHistogram().GetSampleCount())
}

// logger hands Pebble's words to slog. A fatal error ends the process: what was acknowledged is
// on disk, what comes after could not be. A disk that fails is none, see package disk.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any) {
	l.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "message", fmt.Sprintf(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf("pebble: "+format, args...)
	l.log.Error("pebble_fatal", "message", message)
	go panic(message) // where no server recovers it
	select {}
}
