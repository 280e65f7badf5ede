package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// driven is what clients saw of a row.
type driven struct {
	calls   int
	elapsed time.Duration
	waited  []time.Duration // for each answer, sorted
	fault   error           // the first wrong answer; the row has no figures then
}

// percentile is the wait that a share of the calls did not exceed.
func (d *driven) percentile(share float64) time.Duration {
	if len(d.waited) == 0 {
		return 0
	}
	return d.waited[min(len(d.waited)-1, int(share*float64(len(d.waited))))]
}

// drive sends each client's requests over its own connection, one after the other, until all are
// answered or the time is over.
func drive(ctx context.Context, address string, requests [][][]byte, limit time.Duration, marker string) driven {
	waited, faults := make([][]time.Duration, len(requests)), make([]error, len(requests))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var group sync.WaitGroup
	start := time.Now()
	for i := range requests {
		group.Go(func() { waited[i], faults[i] = send(ctx, address, requests[i], marker) })
	}
	group.Wait()
	d := driven{elapsed: time.Since(start), fault: errors.Join(faults...), waited: slices.Concat(waited...)}
	slices.Sort(d.waited)
	d.calls = len(d.waited)
	return d
}

func send(ctx context.Context, address string, requests [][]byte, marker string) (waited []time.Duration, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	waited = make([]time.Duration, 0, len(requests))
	answers, body := bufio.NewReaderSize(conn, 64<<10), []byte(nil)
	for _, r := range requests {
		if ctx.Err() != nil {
			break
		}
		sent := time.Now()
		if _, err := conn.Write(r); err != nil {
			return waited, fmt.Errorf("send request: %w", err)
		}
		var status int
		if status, body, err = readAnswer(answers, body[:0]); err != nil {
			return waited, fmt.Errorf("read answer: %w", err)
		}
		waited = append(waited, time.Since(sent))
		if status != 200 || !bytes.Contains(body, []byte(marker)) {
			return waited, fmt.Errorf("answered %d: %.200s", status, body)
		}
	}
	return waited, nil
}

// readAnswer reads one answer with a Content-Length, which is all that the servers send, and
// appends its body.
func readAnswer(r *bufio.Reader, into []byte) (status int, body []byte, err error) {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, into, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		name, value, header := strings.Cut(text, ":")
		switch {
		case first:
			if len(text) < 12 {
				return 0, into, fmt.Errorf("status line %q", text)
			}
			if status, err = strconv.Atoi(text[9:12]); err != nil {
				return 0, into, fmt.Errorf("status line %q", text)
			}
		case text == "":
			if length < 0 {
				return 0, into, errors.New("an answer without its length")
			}
			body = slices.Grow(into, length)[:length]
			_, err = io.ReadFull(r, body)
			return status, body, err
		case header && strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, into, err
			}
		}
	}
}
