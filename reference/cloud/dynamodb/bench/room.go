package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errNoRoom is met when a disk is too small for a benchmark.
var errNoRoom = errors.New("not enough room")

// roomFor is how many bytes of disk the benchmark may need at once: the loaded table with its
// keys, as much again for each build that works on a copy, which shares files with it until they
// are compacted, and a gigabyte for logs and peers.
func roomFor(s settings, loaded bool) uint64 {
	copies := uint64(1)
	if s.base != "" {
		copies++
	}
	if !loaded {
		copies++
	}
	return copies*uint64(s.preload)/4*5 + 1e9
}

// checkRoom fails if the disk of a folder has fewer free bytes.
func checkRoom(dir string, need uint64) error {
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return fmt.Errorf("measure free space: %w", err)
	}
	if usage.AvailBytes < need {
		return fmt.Errorf("%w: %s has %v free, and %v may be needed; a smaller --preload, or --dir on another disk", errNoRoom, dir, size(usage.AvailBytes), size(need))
	}
	return nil
}

// tidy removes what a run has made in its folder, and the folder if nothing else is in it.
func tidy(s settings) error {
	var all error
	for _, path := range []string{keptFolder(s), filepath.Join(s.dir, workFolder), filepath.Join(s.dir, baseFolder), filepath.Join(s.dir, peersFolder)} {
		all = errors.Join(all, os.RemoveAll(path))
	}
	if entries, err := os.ReadDir(s.dir); err == nil && len(entries) == 0 {
		all = errors.Join(all, os.Remove(s.dir))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		all = errors.Join(all, err)
	}
	if all != nil {
		return fmt.Errorf("tidy up: %w", all)
	}
	return nil
}
