package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// hotReload is the bucket name that makes S3Key a path on this machine. Stampede-only; the name
// is LocalStack's (https://docs.localstack.cloud/aws/tooling/lambda-tools/hot-reloading/).
const hotReload = "hot-reload"

// bootstrap is the file that an OS-only runtime executes.
const bootstrap = "bootstrap"

// codeStore keeps code by the SHA-256 of its package in dir/<hex>/, where nothing is ever
// changed. The caller serialises writes.
type codeStore struct {
	dir    string
	hashes map[fileIdentity]string // of executables already stored, so that seven functions of one file hash it once
}

type fileIdentity struct {
	dev, ino uint64
	size     int64
	mtime    time.Time
}

// code is a stored package.
type code struct {
	sum  string // base64 of the SHA-256, as the API shows it
	size int64
}

func openCodeStore(dir string) (*codeStore, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make code store: %w", err)
	}
	return &codeStore{dir: dir, hashes: map[fileIdentity]string{}}, nil
}

// path is the folder of a package.
func (s *codeStore) path(sum string) string {
	raw, _ := base64.StdEncoding.DecodeString(sum) // we wrote it
	return filepath.Join(s.dir, hex.EncodeToString(raw))
}

// addFile stores a copy of an executable as a package's bootstrap.
func (s *codeStore) addFile(path string) (code, error) {
	info, err := os.Stat(path)
	switch {
	case !filepath.IsAbs(path):
		return code{}, invalid("S3Key %q in bucket %s must be an absolute path of an executable", path, hotReload)
	case err != nil:
		return code{}, invalid("S3Key %q in bucket %s: %s", path, hotReload, rootCause(err))
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return code{}, invalid("S3Key %q in bucket %s is not an executable file", path, hotReload)
	}
	id := fileIdentity{size: info.Size(), mtime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.dev, id.ino = uint64(st.Dev), st.Ino //nolint:unconvert // Dev is 32 bits wide on some systems
	}
	if sum, ok := s.hashes[id]; ok {
		return code{sum: sum, size: info.Size()}, nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return code{}, fmt.Errorf("read code: %w", err)
	}
	hash := sha256.Sum256(body)
	c := code{sum: base64.StdEncoding.EncodeToString(hash[:]), size: int64(len(body))}
	if err := s.add(c.sum, map[string][]byte{bootstrap: body}); err != nil {
		return code{}, err
	}
	s.hashes[id] = c.sum
	return c, nil
}

// addZip unpacks an archive that holds a bootstrap.
func (s *codeStore) addZip(archive []byte, limits *Limits) (code, error) {
	if limits.ZipBytes > 0 && int64(len(archive)) > limits.ZipBytes {
		return code{}, invalid("Zip file is larger than %d bytes", limits.ZipBytes)
	}
	broken := invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return code{}, broken
	}
	files := map[string][]byte{}
	left := limits.CodeBytes
	if left == 0 {
		left = 1 << 40
	}
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(f.Name) || !f.Mode().IsRegular() {
			return code{}, broken
		}
		in, err := f.Open()
		if err != nil {
			return code{}, broken
		}
		body, err := io.ReadAll(io.LimitReader(in, left+1))
		_ = in.Close()
		if err != nil {
			return code{}, broken
		}
		if left -= int64(len(body)); left < 0 {
			return code{}, invalid("Unzipped size must be smaller than %d bytes", limits.CodeBytes)
		}
		files[filepath.Clean(f.Name)] = body
	}
	if files[bootstrap] == nil {
		return code{}, invalid("the archive holds no file %s", bootstrap)
	}
	hash := sha256.Sum256(archive)
	c := code{sum: base64.StdEncoding.EncodeToString(hash[:]), size: int64(len(archive))}
	return c, s.add(c.sum, files)
}

// add writes a package beside its place, syncs it and renames it: it is there whole or not.
func (s *codeStore) add(sum string, files map[string][]byte) error {
	final := s.path(sum)
	if _, err := os.Stat(final); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(s.dir, "tmp-")
	if err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	defer os.RemoveAll(tmp)
	for name, body := range files {
		path := filepath.Join(tmp, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("store code: %w", err)
		}
		if err := writeExecutable(path, body); err != nil {
			return fmt.Errorf("store code: %w", err)
		}
	}
	if err := errors.Join(os.Chmod(tmp, 0o755), syncDir(tmp), os.Rename(tmp, final), syncDir(s.dir)); err != nil {
		return fmt.Errorf("store code: %w", err)
	}
	return nil
}

// writeExecutable keeps forks away while the file is open for writing: a child between its fork
// and its exec would hold the descriptor, and executing the file would fail with ETXTBSY
// (https://go.dev/issue/22315).
func writeExecutable(path string, body []byte) error {
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, body, 0o555)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	return syncDir(path)
}

// syncDir makes a folder's entries, or a file's bytes, durable.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sweep removes the packages that no version needs, and what a crash left half written.
func (s *codeStore) sweep(used map[string]bool) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweep code store: %w", err)
	}
	keep := map[string]bool{}
	for sum := range used {
		keep[filepath.Base(s.path(sum))] = true
	}
	for _, e := range entries {
		if !keep[e.Name()] && (strings.HasPrefix(e.Name(), "tmp-") || len(e.Name()) == hex.EncodedLen(sha256.Size)) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, e.Name())))
		}
	}
	return err
}

// rootCause is an error without the path that the message names already.
func rootCause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
