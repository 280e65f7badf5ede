package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// serve is a server in this process, which knows the secret if it is told.
func serve(t *testing.T, secret string) *server {
	limits := dynamodb.NoLimits()
	service, err := dynamodb.Open(dynamodb.Options{Dir: t.TempDir(), Limits: &limits})
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": secret}, nil, nil)
	mux.Handle("dynamodb", dynamodb.MaxBody, service)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		require.NoError(t, service.Close())
	})
	return &server{name: "here", address: strings.TrimPrefix(web.URL, "http://")}
}

func loaded(t *testing.T) (*server, int) {
	v := serve(t, "local")
	const n = 3
	client := newClient("http://"+v.address, http.DefaultClient)
	require.NoError(t, createTable(t.Context(), client))
	g := &generator{rng: rand.New(rand.NewPCG(1, 2))}
	for p := range n {
		require.NoError(t, loadPartition(t.Context(), client, g.rng, p))
	}
	return v, n
}

func TestEveryRowIsAnsweredRightly(t *testing.T) {
	v, n := loaded(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r.calls = 20
			requests, err := prepare(t.Context(), r, n, 4)
			require.NoError(t, err)
			require.Len(t, requests, 4)
			d := drive(t.Context(), v.address, requests, time.Minute, r.marker)
			require.NoError(t, d.fault)
			require.Equal(t, 20, d.calls)
			require.LessOrEqual(t, d.percentile(0.5), d.percentile(0.99))
		})
	}
}

func TestWrongAnswersAreSeen(t *testing.T) {
	v, n := loaded(t)
	for name, change := range map[string]func(v *server, r *row){
		"refused signature": func(v *server, _ *row) { *v = *serve(t, "other") },
		"other content":     func(_ *server, r *row) { r.marker = "what no item holds" },
	} {
		t.Run(name, func(t *testing.T) {
			r, at := rows[4], &server{address: v.address}
			require.Contains(t, r.name, "GetItem")
			r.calls = 2
			change(at, &r)
			requests, err := prepare(t.Context(), r, n, 1)
			require.NoError(t, err)
			require.Error(t, drive(t.Context(), at.address, requests, time.Minute, r.marker).fault)
		})
	}
}

func TestTheTimeOfARowIsBounded(t *testing.T) {
	v, n := loaded(t)
	r := rows[0]
	r.calls = 8
	requests, err := prepare(t.Context(), r, n, 2)
	require.NoError(t, err)
	d := drive(t.Context(), v.address, requests, -1, r.marker)
	require.NoError(t, d.fault)
	require.Zero(t, d.calls)
}

func TestVerdictsFollowTheFigures(t *testing.T) {
	at := func(micros, rate float64) measured {
		return measured{cpu: time.Duration(micros * 1e6), driven: driven{calls: 1000, elapsed: time.Duration(1e12 / rate)}}
	}
	broken := at(1, 1e6)
	broken.driven.fault = errors.New("answered 400")
	for name, c := range map[string]struct {
		target target
		ours   measured
		peers  []measured
		words  string
		missed int
	}{
		"all met":                    {target{10, 0.5}, at(10, 200), []measured{at(20, 100), at(30, 199)}, "PASS 10.0 of at most 10 µs; PASS 0.50 of at most 0.5 of the best peer's CPU; PASS 1.0 of the best peer's throughput", 0},
		"the best of each counts":    {target{0, 0.5}, at(11, 150), []measured{at(20, 100), at(30, 199)}, "MISS 0.55 of at most 0.5 of the best peer's CPU; MISS 0.8 of the best peer's throughput", 2},
		"a broken peer is no peer":   {target{0, 0.5}, at(10, 150), []measured{broken, at(30, 100)}, "PASS 0.33 of at most 0.5 of the best peer's CPU; PASS 1.5 of the best peer's throughput", 0},
		"without peers":              {target{9, 0.5}, at(10, 150), nil, "MISS 10.0 of at most 9 µs", 1},
		"ours answered wrong":        {target{9, 0}, broken, nil, "MISS wrong answer", 1},
		"no peer could do it at all": {target{0, 0.5}, at(10, 150), []measured{broken}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := result{row: row{items: 1, target: c.target}, measured: []measured{c.ours}}
			for _, p := range c.peers {
				p.peer = true
				r.measured = append(r.measured, p)
			}
			words, missed := r.verdict()
			require.Equal(t, c.words, words)
			require.Equal(t, c.missed, missed)
		})
	}
}

func TestTheMiddleRunCountsUnlessOneWasWrong(t *testing.T) {
	r, runs := &row{items: 1}, []measured{{cpu: 3, driven: driven{calls: 1}}, {cpu: 9, driven: driven{calls: 1}}, {cpu: 1, driven: driven{calls: 1}}}
	require.EqualValues(t, 3, median(runs, r).cpu)
	require.InDelta(t, 13e-3/3, median(runs, r).mean, 1e-9)
	runs[2].driven.fault = errors.New("answered 400")
	require.Error(t, median(runs, r).driven.fault)
}

func TestMemoryMustNotGrowWithData(t *testing.T) {
	l := load{Bytes: 5e9}
	for range 10 {
		l.Resident = append(l.Resident, 200e6)
	}
	words, missed := l.memory()
	require.Equal(t, "PASS 200 MB resident at half of 5000 MB, 200 MB at the end", words)
	require.Zero(t, missed)
	l.Resident[9] = 261e6
	_, missed = l.memory()
	require.Equal(t, 1, missed)
	l.Bytes = 1e6
	_, missed = l.memory()
	require.Zero(t, missed, "too little to tell")
}

func TestProcessorTimeIsReadBehindAnyName(t *testing.T) {
	cpu, err := parseCPU("42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 9 0 100 1 2 3")
	require.NoError(t, err)
	require.Equal(t, 1750*time.Millisecond, cpu)
	_, err = parseCPU("42 (a) S 1")
	require.Error(t, err)
}

func TestACopiedTableLeavesTheKeptOneAsItWas(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "work")
	require.NoError(t, os.MkdirAll(filepath.Join(from, "dynamodb"), 0o755))
	for _, name := range []string{"1.sst", "2.log"} {
		require.NoError(t, os.WriteFile(filepath.Join(from, "dynamodb", name), []byte("kept"), 0o644))
	}
	require.NoError(t, linkTree(from, to))
	require.NoError(t, os.WriteFile(filepath.Join(to, "dynamodb", "2.log"), []byte("changed"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(to, "dynamodb", "1.sst")))
	for _, name := range []string{"1.sst", "2.log"} {
		text, err := os.ReadFile(filepath.Join(from, "dynamodb", name))
		require.NoError(t, err)
		require.Equal(t, "kept", string(text))
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{"5GB": 5e9, "64MiB": 64 << 20, "7": 7} {
		var s size
		require.NoError(t, s.Set(text))
		require.EqualValues(t, want, s)
	}
	for _, text := range []string{"", "-1", "5TB", "x"} {
		require.Error(t, new(size).Set(text), text)
	}
}

func TestBadUsageIsTwo(t *testing.T) {
	var out, words bytes.Buffer
	require.Equal(t, 2, Main(context.Background(), []string{"--preload", "much"}, &out, &words))
	require.Equal(t, 1, Main(context.Background(), []string{"--server", filepath.Join(t.TempDir(), "none"), "--dir", t.TempDir(), "--peers=false"}, &out, &words))
	require.Contains(t, words.String(), "no such file")
}
