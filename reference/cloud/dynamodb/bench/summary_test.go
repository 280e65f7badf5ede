package main

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASummaryIsReadyForAREADME(t *testing.T) {
	ours := measured{server: "stampede (disk, synced)", cpu: 10 * time.Millisecond, mean: 11, syncs: 250,
		driven: driven{calls: 1000, elapsed: time.Second, waited: []time.Duration{time.Millisecond, 2 * time.Millisecond}}}
	peer := measured{server: "dynoxide (memory)", peer: true, cpu: 20 * time.Millisecond, driven: driven{calls: 1000, elapsed: 2 * time.Second}}
	lost := measured{server: "dynalite (memory)", peer: true, driven: driven{fault: errors.New("answered 400")}}
	r := result{row{name: "PutItem", items: 1, target: target{ofPeer: 0.6}}, []measured{ours, peer, lost}}
	f := floor{grown: syncs{1000, time.Millisecond}, inPlace: syncs{4000, 250 * time.Microsecond}}

	var out bytes.Buffer
	summary(&out, settings{preload: 5e9, rounds: 3, clients: 8}, load{Bytes: 5e9, Resident: []int64{1e6, 2e6}}, f, []result{r})
	text := out.String()
	require.True(t, strings.HasPrefix(text, summaryBegins) && strings.HasSuffix(text, summaryEnds+"\n"), text)
	for _, part := range []string{
		"--preload 5000MB --rounds 3",
		"| PutItem | 10.0 (11.0) | 20 | not served | 1000 | 500 | | 2.00, 2.00 | 4.0 | PASS 0.50 of at most 0.6 of the best peer's CPU; PASS 2.0 of the best peer's throughput |",
		"fdatasync after 9 KB in place 4000 a second, 0.25 ms",
		"at most 32000 items a second",
		"1, 2.",
	} {
		require.Contains(t, text, part)
	}
	columns := -1
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			if columns < 0 {
				columns = strings.Count(line, "|")
			}
			require.Equal(t, columns, strings.Count(line, "|"), line)
		}
	}
}

func TestTheFloorIsOfThisDiskAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := measureFloor(dir, time.Millisecond)
	require.NoError(t, err)
	for _, s := range []syncs{f.grown, f.inPlace} {
		require.Positive(t, s.rate)
		require.Positive(t, s.median)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	_, err = measureFloor(filepath.Join(dir, "absent"), time.Millisecond)
	require.Error(t, err)
}

func TestADiskThatIsTooSmallIsNamedBeforeTheLoad(t *testing.T) {
	s := settings{preload: 5e9}
	require.EqualValues(t, 13.5e9, roomFor(s, false))
	require.EqualValues(t, 7.25e9, roomFor(s, true))
	s.base = "other"
	require.EqualValues(t, 19.75e9, roomFor(s, false))
	dir := t.TempDir()
	require.NoError(t, checkRoom(dir, 1))
	err := checkRoom(dir, math.MaxUint64)
	require.ErrorIs(t, err, errNoRoom)
	require.ErrorContains(t, err, dir)
}

func TestARunTidiesUpAfterItself(t *testing.T) {
	s := settings{dir: filepath.Join(t.TempDir(), "bench"), preload: 7}
	for _, folder := range []string{keptFolder(s), filepath.Join(s.dir, workFolder), filepath.Join(s.dir, peersFolder)} {
		require.NoError(t, os.MkdirAll(folder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o644))
	}
	theirs := filepath.Join(s.dir, "theirs")
	require.NoError(t, os.WriteFile(theirs, nil, 0o644))
	require.NoError(t, tidy(s))
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "what it did not make stays")
	require.NoError(t, os.Remove(theirs))
	require.NoError(t, tidy(s))
	require.NoDirExists(t, s.dir)
	require.NoError(t, tidy(s), "twice is no fault")
}
