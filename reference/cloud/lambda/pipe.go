package lambda

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipe is the end from which an environment's lines are read. Nothing orders it and the socket by
// which answers come, but what was printed before an answer is in the pipe when the answer is
// here: counting what goes through says when all of it is out.
type pipe struct {
	file *os.File
	conn syscall.RawConn
	mu   struct {
		sync.Mutex
		taken   int64 // bytes read
		kept    int64 // of them, those the reader has done with
		closed  bool
		waiting []waiter
	}
}

// waiter waits until its reader has done with so many bytes.
type waiter struct {
	bytes int64
	done  chan struct{}
}

// open is to be called before anything is printed.
func (p *pipe) open(file *os.File) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("open output pipe: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file, p.conn = file, conn
	return nil
}

// Read is for one reader, which has done with what it was given when it comes for more.
func (p *pipe) Read(b []byte) (n int, err error) {
	p.mu.Lock()
	p.mu.kept = p.mu.taken
	p.release()
	p.mu.Unlock()
	failed := p.conn.Read(func(fd uintptr) bool {
		p.mu.Lock() // taking bytes out and counting them are one to empty
		defer p.mu.Unlock()
		for {
			n, err = unix.Read(int(fd), b)
			if err != unix.EINTR {
				break
			}
		}
		p.mu.taken += int64(max(n, 0))
		return err != unix.EAGAIN
	})
	switch {
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, fmt.Errorf("read output pipe: %w", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// empty is closed when the reader has done with all that is in the pipe now, or will read no more.
func (p *pipe) empty() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := waiter{p.mu.taken, make(chan struct{})}
	if p.conn == nil {
		close(w.done)
		return w.done
	}
	_ = p.conn.Control(func(fd uintptr) {
		unread, _ := unix.IoctlGetInt(int(fd), countUnread)
		w.bytes += int64(unread)
	})
	p.mu.waiting = append(p.mu.waiting, w)
	p.release()
	return w.done
}

// release tells those whose wait is over. The caller holds the lock.
func (p *pipe) release() {
	still := p.mu.waiting[:0]
	for _, w := range p.mu.waiting {
		if w.bytes > p.mu.kept && !p.mu.closed {
			still = append(still, w)
			continue
		}
		close(w.done)
	}
	p.mu.waiting = still
}

func (p *pipe) close() {
	_ = p.file.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.closed = true
	p.release()
}
