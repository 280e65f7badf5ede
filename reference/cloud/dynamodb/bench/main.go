// Command bench measures the embedded DynamoDB beside other stand-ins for DynamoDB, in one run on
// one machine: `make bench-dynamodb`.
//
// Ours is the stampede binary, limits off, on disk with synced writes; dynoxide and dynalite work
// in memory and come from npm (without npm the table says so). [rows] is what is asked of each,
// [run] composes. A row's requests are made and signed by aws-sdk-go-v2 before the clock starts
// and sent over as many connections as there are clients: the client is real, and its cost is
// neither in the way nor in the figures. CPU is user and system time of the server process until
// its compactions are idle. Goroutines live inside drive and preload, which wait for them.
//
// It judges speed, not correctness: of an answer it looks at the status and at one marker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the command line.
type settings struct {
	server      string        // path of the stampede binary
	dir         string        // of preloaded tables and peers
	preload     int64         // bytes of items before the rows
	peerPreload int64         // the same for the peers, whose memory has to hold it
	clients     int           // connections
	time        time.Duration // the longest a row lasts on one server
	only        string        // rows by the beginning of their names
	peers       bool
	base        string // path of another stampede binary
	rounds      int
	gate        bool // a missed target is a failure
	keep        bool // leave tables and peers for the next run
}

// command is how a run with these settings is made.
func (s settings) command() string {
	return fmt.Sprintf("go run ./reference/cloud/dynamodb/bench --preload %dMB --rounds %d", s.preload/1e6, s.rounds)
}

// Main runs the benchmark and returns the exit code: 0, 1 for a missed target with --gate or a
// benchmark that could not be run, 2 for bad usage.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s := settings{preload: 32 << 20, peerPreload: 32 << 20}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.server, "server", "bin/stampede", "the stampede binary")
	flags.StringVar(&s.dir, "dir", "out/bench-dynamodb", "folder of preloaded tables and of peers")
	flags.Var((*size)(&s.preload), "preload", "bytes of items before the rows, such as 5GB")
	flags.Var((*size)(&s.peerPreload), "peer-preload", "the same for the peers, which keep it in memory")
	flags.IntVar(&s.clients, "clients", 8, "connections")
	flags.DurationVar(&s.time, "time", 4*time.Second, "the longest a row lasts on one server")
	flags.StringVar(&s.only, "rows", "", "rows whose names begin so; empty is all")
	flags.BoolVar(&s.peers, "peers", true, "measure the peers too")
	flags.StringVar(&s.base, "base", "", "another stampede binary, to be measured too: what a change has changed")
	flags.IntVar(&s.rounds, "rounds", 1, "how often each row is measured, the servers taking turns; the median by CPU is judged, the mean shown beside it")
	flags.BoolVar(&s.keep, "keep", false, "leave the preloaded table and the peers there for the next run")
	flags.BoolVar(&s.gate, "gate", false, "exit with 1 if a target is missed")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil || flags.NArg() > 0 || s.clients < 1 || s.rounds < 1 {
		fmt.Fprintln(stderr, "error: bad usage\nhint: -h lists the flags")
		return 2
	}
	s.dir = dir
	missed, err := run(ctx, s, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	if missed > 0 && s.gate {
		fmt.Fprintf(stderr, "error: %d targets missed\n", missed)
		return 1
	}
	return 0
}

// run measures all rows on all servers and prints the table. It returns how many targets were
// missed.
func run(ctx context.Context, s settings, stdout, stderr io.Writer) (missed int, err error) {
	chosen := rows[:0:0]
	for _, r := range rows {
		if strings.HasPrefix(r.name, s.only) {
			chosen = append(chosen, r)
		}
	}
	begin := time.Now()
	servers, loaded, err := start(ctx, s, stderr)
	defer func() {
		for _, v := range servers {
			err = errors.Join(err, v.stop())
		}
		if !s.keep {
			err = errors.Join(err, tidy(s))
		}
	}()
	if err != nil {
		return 0, err
	}
	disk, err := measureFloor(s.dir, floorTime)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(stderr, "%s: the disk syncs %s\n", since(begin), disk.bound(s.clients))
	var results []result
	for i, r := range chosen {
		fmt.Fprintf(stderr, "%s: row %d of %d, %s\n", since(begin), i+1, len(chosen), r.name)
		one, err := measureRow(ctx, s, servers, r, stderr)
		if err != nil {
			return 0, err
		}
		results = append(results, one)
	}
	missed = report(stdout, loaded, results)
	fmt.Fprintln(stdout)
	summary(stdout, s, loaded, disk, results)
	return missed, nil
}

// since is how long ago something was, in whole seconds.
func since(begin time.Time) time.Duration { return time.Since(begin).Round(time.Second) }

// start starts ours and the peers there are, with their items in them. Those it started it
// returns also with an error.
func start(ctx context.Context, s settings, stderr io.Writer) (servers []*server, l load, err error) {
	ours, l, err := startOurs(ctx, s, stderr)
	if err != nil {
		return nil, l, err
	}
	servers = append(servers, ours)
	if s.base != "" {
		base, err := startCopy(s.base, s, baseFolder)
		if err != nil {
			return servers, l, err
		}
		servers = append(servers, base)
	}
	if !s.peers {
		return servers, l, nil
	}
	peers, err := installPeers(ctx, s.dir)
	switch {
	case errors.Is(err, exec.ErrNotFound) && !strings.Contains(os.Getenv("STAMPEDE_REQUIRE"), "npm"):
		fmt.Fprintln(stderr, "peers are skipped:", err)
		return servers, l, nil
	case err != nil:
		return servers, l, err
	}
	for _, p := range peers {
		v, err := startPeer(ctx, p)
		if err != nil {
			return servers, l, err
		}
		servers = append(servers, v)
		fmt.Fprintf(stderr, "loading %s into %s\n", size(s.peerPreload), v.name)
		if _, err := preload(ctx, v, s.peerPreload, io.Discard); err != nil {
			return servers, l, fmt.Errorf("load %s: %w", v.name, err)
		}
		v.partitions = partitions(s.peerPreload)
	}
	return servers, l, nil
}

// measureRow measures a row on all servers, as often as there are rounds.
func measureRow(ctx context.Context, s settings, servers []*server, r row, stderr io.Writer) (result, error) {
	requests, runs := map[int][][][]byte{}, make([][]measured, len(servers))
	for range s.rounds {
		if r.once {
			clear(requests)
		}
		for i, v := range servers {
			if requests[v.partitions] == nil {
				var err error
				if requests[v.partitions], err = prepare(ctx, r, v.partitions, s.clients); err != nil {
					return result{}, fmt.Errorf("%s: %w", r.name, err)
				}
			}
			m, err := measure(ctx, s, v, r, requests[v.partitions])
			if err != nil {
				return result{}, fmt.Errorf("%s on %s: %w", r.name, v.name, err)
			}
			if m.driven.fault != nil {
				fmt.Fprintf(stderr, "  %s: wrong answer\n", v.name)
			} else {
				fmt.Fprintf(stderr, "  %s: %.1f µs an item, %.0f items/s\n", v.name, m.micros(&r), m.rate(&r))
			}
			runs[i] = append(runs[i], m)
		}
	}
	out := result{row: r}
	for _, list := range runs {
		out.measured = append(out.measured, median(list, &r))
	}
	return out, nil
}

// measure runs a row on a server once.
func measure(ctx context.Context, s settings, v *server, r row, requests [][][]byte) (measured, error) {
	before, err := v.settle(ctx)
	if err != nil {
		return measured{}, err
	}
	d := drive(ctx, v.address, requests, s.time, r.marker)
	after, err := v.settle(ctx)
	if err != nil {
		return measured{}, err
	}
	m := measured{server: v.name, peer: v.statistics == "", driven: d, cpu: after.cpu - before.cpu, syncs: after.syncs - before.syncs}
	return m, ctx.Err()
}

// size is a number of bytes on the command line.
type size int64

func (s *size) Set(text string) error {
	number, unit := strings.TrimSuffix(text, "B"), int64(1)
	for suffix, scale := range map[string]int64{"K": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = n, scale
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 {
		return errors.New("want a size such as 64MiB or 5GB")
	}
	*s = size(n * unit)
	return nil
}

func (s size) String() string { return fmt.Sprintf("%.0f MB", float64(s)/1e6) }
