package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// disk makes files and folder entries survive a loss of power. It is a seam: a test replaces it
// by one that forgets whatever was not synced.
type disk interface {
	SyncFile(path string) error
	SyncDir(path string) error
}

// fsync is the real disk.
type fsync struct{}

var _ disk = fsync{}

// SyncFile flushes a file's bytes and attributes.
func (fsync) SyncFile(path string) error { return syncPath(path) }

// SyncDir flushes a folder's entries.
func (fsync) SyncDir(path string) error { return syncPath(path) }

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// settle makes path, and the way from root to it, durable. A path that is no longer there was
// deleted or replaced meanwhile; then only the folders that are left are synced, which makes the
// removal durable. A folder without changes costs microseconds, so nothing is remembered.
func settle(d disk, root, path string) error {
	if err := d.SyncFile(path); err != nil && !absent(err) {
		return fmt.Errorf("sync object %s: %w", path, err)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if err := d.SyncDir(dir); err != nil && !absent(err) {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
		if dir == root || dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// settleTree makes every file below path durable, for attributes kept beside the objects.
func settleTree(d disk, root, path string) error {
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case absent(err):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return d.SyncDir(name)
		}
		if err := d.SyncFile(name); err != nil && !absent(err) {
			return err
		}
		return nil
	})
	if err != nil && !absent(err) {
		return fmt.Errorf("sync attributes %s: %w", path, err)
	}
	return settle(d, root, path)
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
