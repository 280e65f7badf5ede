package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestTablesOfAnotherLayoutAreRefused(t *testing.T) {
	for name, change := range map[string]func(*pebble.DB) error{
		"none": func(db *pebble.DB) error { return db.Delete([]byte{spaceLayout}, pebble.Sync) },
		"next": func(db *pebble.DB) error { return db.Set([]byte{spaceLayout}, []byte{layout + 1}, pebble.Sync) },
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			s, err := Open(Options{Dir: "db", FS: fs})
			require.NoError(t, err)
			_, err = s.NewTableID()
			require.NoError(t, err)
			require.NoError(t, s.Close())
			s, err = Open(Options{Dir: "db", FS: fs})
			require.NoError(t, err, "its own")
			require.NoError(t, change(s.db))
			require.NoError(t, s.Close())
			_, err = Open(Options{Dir: "db", FS: fs})
			require.ErrorIs(t, err, ErrLayout)
		})
	}
}
