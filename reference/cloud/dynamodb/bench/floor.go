package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// floorBytes is what one write of the floor has: the log's records of eight items of 1 KB.
const floorBytes = 9 << 10

// floorTime is how long each kind of write is repeated.
const floorTime = time.Second

// floor is what a disk allows whoever answers no write before it is synced: one writer that
// writes and syncs, and does nothing else.
type floor struct {
	grown   syncs // into a file that grows
	inPlace syncs // over bytes that are there, as the log of the service writes
}

// syncs are writes of floorBytes, each with an fdatasync.
type syncs struct {
	rate   float64 // a second
	median time.Duration
}

// measureFloor writes and syncs a file in a folder, and removes it.
func measureFloor(dir string, limit time.Duration) (f floor, err error) {
	path := filepath.Join(dir, "floor")
	file, err := vfs.Default.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return f, fmt.Errorf("measure disk: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), vfs.Default.Remove(path)) }()
	block, size := make([]byte, floorBytes), int64(0)
	f.grown, err = repeat(file, limit, func() error {
		size += floorBytes
		_, err := file.Write(block)
		return err
	})
	if err != nil {
		return f, err
	}
	at := int64(0)
	f.inPlace, err = repeat(file, limit, func() error {
		_, err := file.WriteAt(block, at)
		at = (at + floorBytes) % size
		return err
	})
	return f, err
}

func repeat(file vfs.File, limit time.Duration, write func() error) (syncs, error) {
	var took []time.Duration
	start := time.Now()
	for len(took) == 0 || time.Since(start) < limit {
		begin := time.Now()
		if err := errors.Join(write(), file.SyncData()); err != nil {
			return syncs{}, fmt.Errorf("measure disk: %w", err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return syncs{rate: float64(len(took)) / time.Since(start).Seconds(), median: took[len(took)/2]}, nil
}

// String says how many syncs there are a second, and how long one takes in the middle.
func (s syncs) String() string {
	return fmt.Sprintf("%.0f a second, %.2f ms each in the middle", s.rate, s.median.Seconds()*1e3)
}

// bound says what the disk allows a number of clients, each of which waits for its answer.
func (f floor) bound(clients int) string {
	return fmt.Sprintf("in place %v; into a file that grows %v. So %d clients that wait for each answer can write at most %.0f items a second: if each sync carried them all and nothing else took time",
		f.inPlace, f.grown, clients, float64(clients)*f.inPlace.rate)
}
