package ledger

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// spill keeps records on disk, in parts that are looked at one after another: what belongs to one
// tenant lies in one part. Memory then depends on the size of a part and not on that of a run. A
// record is its length, a varint, and its bytes.
type spill struct {
	parts   []spilled
	scratch []byte
}

type spilled struct {
	file    *os.File
	writer  *bufio.Writer
	records int
}

// newSpill makes a file for each part in a folder.
func newSpill(dir, name string, parts int) (*spill, error) {
	s := &spill{}
	for i := range parts {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%04d", name, i)))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("spill %s: %w", name, err), s.close())
		}
		s.parts = append(s.parts, spilled{file: f, writer: bufio.NewWriterSize(f, 1<<15)})
	}
	return s, nil
}

// put appends a record to a tenant's part.
func (s *spill) put(tenant uint32, record func([]byte) []byte) error {
	s.scratch = record(s.scratch[:0])
	p := &s.parts[int(tenant)%len(s.parts)]
	var size [binary.MaxVarintLen64]byte
	if _, err := p.writer.Write(binary.AppendUvarint(size[:0], uint64(len(s.scratch)))); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	if _, err := p.writer.Write(s.scratch); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	p.records++
	return nil
}

// each reads a part from its beginning; at is where a record begins. Nothing may be put afterwards.
func (s *spill) each(part int, n *names, take func(at int64, d *decoder)) error {
	p := &s.parts[part]
	if err := p.writer.Flush(); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	r := bufio.NewReaderSize(io.NewSectionReader(p.file, 0, 1<<62), 1<<16)
	at := int64(0)
	for range p.records {
		length, err := s.next(r, n, func(d *decoder) { take(at, d) })
		if err != nil {
			return err
		}
		at += length
	}
	return nil
}

// one reads the record at a place that each has named.
func (s *spill) one(part int, at int64, n *names, take func(*decoder)) error {
	_, err := s.next(bufio.NewReaderSize(io.NewSectionReader(s.parts[part].file, at, 1<<62), 1<<9), n, take)
	return err
}

func (s *spill) next(r *bufio.Reader, n *names, take func(*decoder)) (length int64, err error) {
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, fmt.Errorf("read spilled record: %w", err)
	}
	if uint64(cap(s.scratch)) < size {
		s.scratch = make([]byte, size)
	}
	body := s.scratch[:size]
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, fmt.Errorf("read spilled record: %w", err)
	}
	d := decoder{b: body, text: n.share}
	if take(&d); !d.ok() {
		return 0, fmt.Errorf("read spilled record: %w", ErrCorrupt)
	}
	return int64(len(binary.AppendUvarint(nil, size))) + int64(size), nil
}

func (s *spill) close() error {
	if s == nil {
		return nil
	}
	var faults []error
	for _, p := range s.parts {
		faults = append(faults, p.file.Close())
	}
	return errors.Join(faults...)
}
