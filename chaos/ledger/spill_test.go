package ledger

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func number(i uint64) func([]byte) []byte {
	return func(b []byte) []byte { return binary.AppendUvarint(b, i) }
}

func TestWhatIsSpilledIsReadBackByParts(t *testing.T) {
	s, err := newSpill(t.TempDir(), "numbers", 3)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	for i := range uint64(1000) {
		require.NoError(t, s.put(uint32(i%7), number(i*i)))
	}
	seen := 0
	for part := range 3 {
		places := map[int64]uint64{}
		require.NoError(t, s.each(part, newNames(), func(at int64, d *decoder) { places[at] = d.uvarint() }))
		require.Len(t, places, s.parts[part].records)
		seen += len(places)
		for at, want := range places {
			require.NoError(t, s.one(part, at, newNames(), func(d *decoder) { require.Equal(t, want, d.uvarint()) }))
		}
	}
	require.Equal(t, 1000, seen)
}

// A spill that lost its end, or holds something else, is an error and never fewer events.
func TestDamagedSpillIsAnError(t *testing.T) {
	dir := t.TempDir()
	s, err := newSpill(dir, "numbers", 1)
	require.NoError(t, err)
	defer s.close()
	for i := range uint64(10) {
		require.NoError(t, s.put(0, number(i)))
	}
	read := func() error { return s.each(0, newNames(), func(_ int64, d *decoder) { d.uvarint() }) }
	require.NoError(t, read())
	require.ErrorIs(t, s.each(0, newNames(), func(int64, *decoder) {}), ErrCorrupt)
	require.NoError(t, os.Truncate(filepath.Join(dir, "numbers-0000"), 19))
	require.ErrorContains(t, read(), "read spilled record")
}

func TestSpillWantsItsFolder(t *testing.T) {
	_, err := newSpill(filepath.Join(t.TempDir(), "absent"), "numbers", 2)
	require.ErrorIs(t, err, os.ErrNotExist)
}
