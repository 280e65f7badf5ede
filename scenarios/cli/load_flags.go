package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
)

// loadFlags are the flags of which a job is made.
type loadFlags struct {
	target string
	seed   uint64

	rate                float64
	duration            time.Duration
	phases              []string
	trace               string
	interval            time.Duration
	speed, volume       float64
	users               int
	think               time.Duration
	arrivals            string
	burst               float64
	hot                 string
	method              string
	headers             []string
	body, requests      string
	timeout, giveUp     time.Duration
	protocol, sender    string
	insecure            bool
	ca                  string
	noKeepAlive         bool
	retries             int
	statuses, json      []string
	schema              string
	share               float64
	underWay, connected int
	maxLag              time.Duration
}

func (f *loadFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.target, "target", "", "URL to load, with its path; of --requests the base URL")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of everything random (default: drawn and reported)")
	flags.Float64Var(&f.rate, "rate", 50, "requests/s, whatever the target answers")
	flags.DurationVar(&f.duration, "duration", 30*time.Second, "how long --rate or --users go on")
	flags.StringArrayVar(&f.phases, "phase", nil, "one after the other, such as \"ramp 100 to 1000 for 1m\"; may be repeated")
	flags.StringVar(&f.trace, "trace", "", "CSV file of recorded traffic to replay")
	flags.DurationVar(&f.interval, "interval", time.Second, "that a line of a trace of counts stands for")
	flags.Float64Var(&f.speed, "speed", 1, "replays a trace so many times as fast")
	flags.Float64Var(&f.volume, "volume", 1, "replays a trace with so many times its requests")
	flags.IntVar(&f.users, "users", 0, "a closed load: so many users who wait for their answers")
	flags.DurationVar(&f.think, "think", time.Second, "that a user pauses on average after an answer")
	flags.StringVar(&f.arrivals, "arrivals", "", "poisson, even or bursty (default poisson; of a trace of moments even, as recorded)")
	flags.Float64Var(&f.burst, "burst", 0, "index of dispersion of bursty arrivals; 1 is poisson")
	flags.StringVar(&f.hot, "hot", "", "a flash crowd's favourites among --requests: \"0.8 of NAME,NAME from 10s to 40s\"")
	flags.StringVar(&f.method, "method", "", "of the request (default GET, with a body POST)")
	flags.StringArrayVar(&f.headers, "header", nil, "\"Name: value\" of every request; may be repeated")
	flags.StringVar(&f.body, "body", "", "of the request, or @FILE")
	flags.StringVar(&f.requests, "requests", "", "YAML, JSON or JSON lines file of weighted requests: name, weight, method, path, headers, body, body-file")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Second, "from sending to the last byte")
	flags.DurationVar(&f.giveUp, "give-up", 0, "lateness after which a request is not sent any more (default: the timeout)")
	flags.StringVar(&f.protocol, "protocol", string(attack.HTTP1), "http1 or http2")
	flags.StringVar(&f.sender, "sender", "direct", "direct, or vegeta for vegeta's attacker under the same plan")
	flags.BoolVar(&f.insecure, "insecure", false, "certificates are not verified")
	flags.StringVar(&f.ca, "ca", "", "PEM file of the authorities to trust instead of the host's")
	flags.BoolVar(&f.noKeepAlive, "no-keep-alive", false, "a connection for each request")
	flags.IntVar(&f.retries, "retries", 0, "further attempts after no answer, 429, 502, 503 and 504; Retry-After is obeyed")
	flags.StringArrayVar(&f.statuses, "expect-status", nil, "a good status such as 200 or 2xx; may be repeated (default 2xx)")
	flags.StringArrayVar(&f.json, "expect-json", nil, "what must hold for a body, such as \"items.0.id\" or \"ok == true\"; may be repeated")
	flags.StringVar(&f.schema, "expect-schema", "", "file of the JSON schema (as OpenAPI 3.0 writes them) of bodies")
	flags.Float64Var(&f.share, "check-share", 0.01, "share of the bodies that are looked at, 0 to 1")
	flags.IntVar(&f.underWay, "under-way", 4096, "requests at once at most, of each worker; those beyond wait, and that counts")
	flags.IntVar(&f.connected, "connections", 0, "open at once at most; 0 is no limit")
	flags.DurationVar(&f.maxLag, "max-lag", 50*time.Millisecond, "p99 of how late the generator may start requests before a load is INVALID")
}

// job reads the files that the flags name. The error joins all faults.
func (f *loadFlags) job(given func(flag string) bool) (job.Job, error) {
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	j := job.Job{
		Seed: f.seed, Arrivals: job.Arrivals(f.arrivals), Burst: f.burst, Timeout: f.timeout, GiveUp: f.giveUp, MaxWorkers: f.underWay, Connections: f.connected,
		Protocol: attack.Protocol(f.protocol), NoReuse: f.noKeepAlive, Insecure: f.insecure, Attempts: f.retries + 1,
		Check: job.Check{Status: f.statuses, JSON: f.json, Share: f.share},
	}
	if given("body") && f.method == "" {
		f.method = http.MethodPost
	}
	fault(f.schedule(&j, given))
	fault(f.what(&j, given))
	switch f.sender {
	case "direct":
	case "vegeta":
		j.Sender = attack.Vegeta
	default:
		fault(fmt.Errorf("--sender %q: must be direct or vegeta", f.sender))
	}
	if f.timeout <= 0 {
		fault(fmt.Errorf("--timeout %s: must be more than zero", f.timeout))
	}
	if f.retries < 0 {
		fault(fmt.Errorf("--retries %d: must be zero or more", f.retries))
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		fault(flagError("--ca", err))
		j.Roots = string(pem)
	}
	if f.schema != "" {
		schema, err := os.ReadFile(f.schema)
		fault(flagError("--expect-schema", err))
		j.Check.Schema = string(schema)
	}
	return j, errors.Join(faults...)
}

func flagError(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// schedule says when requests come.
func (f *loadFlags) schedule(j *job.Job, given func(string) bool) error {
	ways := 0
	for _, flag := range []string{"rate", "phase", "trace", "users"} {
		if given(flag) {
			ways++
		}
	}
	var faults []error
	if ways > 1 {
		faults = append(faults, errors.New("--rate, --phase, --trace and --users: give one of them"))
	}
	for _, with := range []struct{ flag, needs string }{{"interval", "trace"}, {"speed", "trace"}, {"volume", "trace"}, {"think", "users"}, {"hot", "requests"}} {
		if given(with.flag) && !given(with.needs) {
			faults = append(faults, fmt.Errorf("--%s goes with --%s", with.flag, with.needs))
		}
	}
	if given("duration") && (given("phase") || given("trace")) {
		faults = append(faults, errors.New("--duration goes with --rate or --users; phases and traces have their own"))
	}
	switch {
	case given("phase"):
		j.Phases = f.phases
	case given("trace"):
		text, err := os.ReadFile(f.trace)
		if err != nil {
			faults = append(faults, flagError("--trace", err))
			break
		}
		record, err := arrival.ParseTrace(f.trace, text)
		if err != nil {
			faults = append(faults, err)
		}
		j.Trace = &job.Trace{Record: record, Interval: f.interval, Speed: f.speed, Volume: f.volume}
	case given("users"):
		if f.users < 1 || f.duration <= 0 || f.think < 0 {
			faults = append(faults, fmt.Errorf("--users %d --think %s --duration %s: want one user at least, no negative pause, and a time above zero", f.users, f.think, f.duration))
		}
		j.Closed = &job.Closed{Users: f.users, Think: f.think, For: f.duration}
	default:
		if !(f.rate > 0 && f.rate <= float64(arrival.MaxRate)) {
			faults = append(faults, fmt.Errorf("--rate %v: must be more than zero and at most %v requests/s", f.rate, float64(arrival.MaxRate)))
			break
		}
		if f.duration <= 0 {
			faults = append(faults, fmt.Errorf("--duration %s: must be more than zero", f.duration))
			break
		}
		j.Phases = []string{arrival.Ramp{From: arrival.PerSecond(f.rate), To: arrival.PerSecond(f.rate), For: f.duration}.String()}
	}
	return errors.Join(faults...)
}

// what says which requests come.
func (f *loadFlags) what(j *job.Job, given func(string) bool) error {
	var faults []error
	u, err := url.Parse(f.target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("--target %q: want a URL such as http://127.0.0.1:8080/path", f.target))
		u = &url.URL{}
	}
	path := u.RequestURI()
	j.Target = u.Scheme + "://" + u.Host
	header := http.Header{}
	for _, text := range f.headers {
		key, value, ok := strings.Cut(text, ":")
		if key = strings.TrimSpace(key); !ok || key == "" || strings.ContainsAny(key, " \t") {
			faults = append(faults, fmt.Errorf("--header %q: want \"Name: value\"", text))
			continue
		}
		header.Add(key, strings.TrimSpace(value))
	}
	if f.requests == "" {
		body := []byte(f.body)
		if name, isFile := strings.CutPrefix(f.body, "@"); isFile {
			body, err = os.ReadFile(name)
			faults = append(faults, flagError("--body", err))
		}
		j.Requests = []job.Request{{Method: strings.ToUpper(f.method), Path: path, Header: header, Body: body}}
		return errors.Join(faults...)
	}
	if strings.TrimRight(path, "/") != "" {
		faults = append(faults, fmt.Errorf("--target %q: of --requests want a URL without a path", f.target))
	}
	if given("body") || given("method") {
		faults = append(faults, errors.New("--body and --method: the file of --requests says them"))
	}
	text, err := os.ReadFile(f.requests)
	if err != nil {
		return errors.Join(append(faults, flagError("--requests", err))...)
	}
	j.Requests, err = job.ParseRequests(f.requests, text, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(f.requests), name)
		}
		return os.ReadFile(name)
	})
	faults = append(faults, err)
	for i := range j.Requests {
		q := &j.Requests[i]
		for key, values := range header {
			if q.Header == nil {
				q.Header = http.Header{}
			}
			if q.Header[key] == nil {
				q.Header[key] = values
			}
		}
	}
	if f.hot != "" && err == nil {
		j.Locality, err = parseHot(f.hot, j.Requests)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// parseHot reads "0.8 of NAME,NAME from 10s to 40s".
func parseHot(text string, requests []job.Request) (*job.Locality, error) {
	share, rest, a := strings.Cut(text, " of ")
	names, rest, b := strings.Cut(rest, " from ")
	from, to, c := strings.Cut(rest, " to ")
	l := &job.Locality{}
	var wrong [3]error
	l.Share, wrong[0] = strconv.ParseFloat(strings.TrimSpace(share), 64)
	l.From, wrong[1] = time.ParseDuration(strings.TrimSpace(from))
	l.To, wrong[2] = time.ParseDuration(strings.TrimSpace(to))
	if !a || !b || !c || errors.Join(wrong[:]...) != nil {
		return nil, fmt.Errorf("--hot %q: write it as \"0.8 of NAME,NAME from 10s to 40s\"", text)
	}
	for name := range strings.SplitSeq(names, ",") {
		known := false
		for i, q := range requests {
			if q.Name == strings.TrimSpace(name) {
				l.Requests, known = append(l.Requests, int32(i)), true
			}
		}
		if !known {
			return nil, fmt.Errorf("--hot: no request is called %q", strings.TrimSpace(name))
		}
	}
	return l, nil
}
