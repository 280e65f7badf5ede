package lambda

import (
	"bufio"
	"io"
	"sync"
	"time"
)

const (
	// maxLine is where a printed line is broken, in bytes.
	maxLine = 32 << 10
	// tailLines and tailLine bound what is kept of an environment's last lines.
	tailLines = 20
	tailLine  = 1 << 10
)

// output keeps the last lines that one environment printed.
type output struct {
	prefix []byte
	mu     struct {
		sync.Mutex
		lines []string // a ring once full
		next  int
	}
	pipe pipe
}

func newOutput(function, version string) *output {
	return &output{prefix: []byte(function + "/" + version + " ")}
}

// settle waits until what was printed before now has been kept, for a second at most: a log that
// takes no lines keeps nobody from an answer.
func (o *output) settle() {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-o.pipe.empty():
	case <-timer.C:
	}
}

// sink is where all environments' lines go, whole, with the function and version before each.
type sink struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sink) write(prefix, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := make([]byte, 0, len(prefix)+len(line)+1)
	whole = append(append(append(whole, prefix...), line...), '\n')
	_, _ = s.w.Write(whole) // a log that cannot be written stops nobody's function
}

// lastWords is how long after a process's end its output may take to be read.
const lastWords = time.Second

// drain reads the pipe until all holders of the other end are gone, or its deadline.
func (o *output) drain(to *sink) {
	defer o.pipe.close()
	in := bufio.NewReaderSize(&o.pipe, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
			line = line[:len(line)-1]
		}
		if len(line) > 0 {
			o.keep(line)
			to.write(o.prefix, line)
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

func (o *output) keep(line []byte) {
	kept := string(line[:min(len(line), tailLine)])
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.mu.lines) < tailLines {
		o.mu.lines = append(o.mu.lines, kept)
		return
	}
	o.mu.lines[o.mu.next] = kept
	o.mu.next = (o.mu.next + 1) % tailLines
}

// tail is a copy of the last lines, oldest first.
func (o *output) tail() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]string, 0, len(o.mu.lines))
	out = append(out, o.mu.lines[o.mu.next:]...)
	return append(out, o.mu.lines[:o.mu.next]...)
}
