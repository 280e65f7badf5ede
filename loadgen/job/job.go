package job

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Job is a load. Zero values are those of [Job.EnsureDefaults].
type Job struct {
	Seed     uint64    `json:"seed"`
	Target   string    `json:"target"` // base URL, such as http://127.0.0.1:8080
	Requests []Request `json:"requests"`

	Phases   []string  `json:"phases,omitempty"` // as arrival.ParsePhase reads them, in requests/s
	Trace    *Trace    `json:"trace,omitempty"`  // instead of phases
	Arrivals Arrivals  `json:"arrivals"`
	Burst    float64   `json:"burst,omitempty"` // index of dispersion of Bursty arrivals
	Closed   *Closed   `json:"closed,omitempty"`
	Locality *Locality `json:"locality,omitempty"`

	Timeout     time.Duration   `json:"timeout"`
	GiveUp      time.Duration   `json:"give_up,omitempty"`
	MaxWorkers  int             `json:"max_workers,omitempty"`
	Connections int             `json:"connections,omitempty"`
	Protocol    attack.Protocol `json:"protocol,omitempty"`
	Sender      attack.Sender   `json:"sender,omitempty"`
	NoReuse     bool            `json:"no_reuse,omitempty"`
	Insecure    bool            `json:"insecure,omitempty"` // certificates are not verified
	Roots       string          `json:"roots,omitempty"`    // PEM of the authorities to trust instead of the host's
	Attempts    int             `json:"attempts,omitempty"` // of a request in all, retries included
	Check       Check           `json:"check"`
}

// Request is one of those that a job draws from.
type Request struct {
	Name   string      `json:"name"` // the endpoint in the statistics; "" means method and path
	Weight float64     `json:"weight"`
	Method string      `json:"method"`
	Path   string      `json:"path"` // with its query
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
}

// Trace is recorded traffic to replay.
type Trace struct {
	arrival.Record
	Interval time.Duration `json:"interval,omitempty"` // of counts; 0 means 1 s
	Speed    float64       `json:"speed,omitempty"`
	Volume   float64       `json:"volume,omitempty"`
}

// Arrivals says how requests are spread around the rate.
type Arrivals string

// The arrivals. Those of a trace of moments are Even: they come when they came.
const (
	Poisson Arrivals = "poisson"
	Even    Arrivals = "even"
	Bursty  Arrivals = "bursty"
)

// Closed are users who wait for their answers: see attack.Closed.
type Closed struct {
	Users int           `json:"users"`
	Think time.Duration `json:"think"`
	For   time.Duration `json:"for"`
}

// Locality gives some requests a share of the load for a while: what a flash crowd comes for.
type Locality struct {
	From     time.Duration `json:"from"`
	To       time.Duration `json:"to"`
	Share    float64       `json:"share"`
	Requests []int32       `json:"requests"` // indices
}

// EnsureDefaults fills in what is zero.
func (j *Job) EnsureDefaults() {
	if j.Arrivals == "" {
		j.Arrivals = Poisson
		if j.Trace != nil && j.Trace.Times != nil {
			j.Arrivals = Even
		}
	}
	if j.Timeout == 0 {
		j.Timeout = 5 * time.Second
	}
	if j.Trace != nil && j.Trace.Interval == 0 {
		j.Trace.Interval = time.Second
	}
	for i := range j.Requests {
		q := &j.Requests[i]
		if q.Method == "" {
			q.Method = http.MethodGet
		}
		if q.Name == "" {
			path, _, _ := strings.Cut(q.Path, "?")
			q.Name = q.Method + " " + path
		}
		if q.Weight == 0 {
			q.Weight = 1
		}
	}
	j.Check.ensureDefaults()
}

// Plan draws the job's requests. The error joins all faults of the job that show before it is run.
func (j *Job) Plan() (*plan.Plan, error) {
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	intensity, err := j.intensity()
	fault(err)
	_, err = j.Check.compile(j.Seed)
	fault(err)
	weights := make([]float64, len(j.Requests))
	for i, q := range j.Requests {
		weights[i] = q.Weight
		if !strings.HasPrefix(q.Path, "/") {
			fault(fmt.Errorf("request %d: path %q: must begin with /", i+1, q.Path))
		}
	}
	if len(j.Requests) == 0 {
		fault(errors.New("no requests: at least one is needed"))
	}
	if _, err := j.tls(); err != nil {
		fault(err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	o := plan.Options{Seed: j.Seed, Events: intensity, Tenants: weights, Even: j.Arrivals == Even,
		Mix: plan.Mix{BatchMean: 1, BatchCap: 1}}
	if l := j.Locality; l != nil {
		o.Hot = []plan.Hot{{From: l.From, To: l.To, Share: l.Share, Tenants: l.Requests}}
	}
	return plan.New(o)
}

// intensity is the rate over time, with its bursts.
func (j *Job) intensity() (arrival.Intensity, error) {
	base, err := j.base()
	if err != nil {
		return nil, err
	}
	switch j.Arrivals {
	case Poisson, Even:
		return base, nil
	case Bursty:
		return arrival.NewBursty(base, arrival.Burst{Dispersion: j.Burst}, plan.Rand(j.Seed, "job/burst", 0))
	}
	return nil, fmt.Errorf("arrivals %q: must be %s, %s or %s", j.Arrivals, Poisson, Even, Bursty)
}

func (j *Job) base() (arrival.Intensity, error) {
	switch {
	case j.Trace != nil && len(j.Phases) > 0:
		return nil, errors.New("phases and a trace: give one of them")
	case j.Trace != nil && j.Trace.Times != nil:
		return arrival.NewTimes(j.Trace.Times, 0, arrival.Warp{Speed: j.Trace.Speed, Volume: j.Trace.Volume})
	case j.Trace != nil:
		return arrival.NewCounts(j.Trace.Counts, j.Trace.Interval, arrival.Warp{Speed: j.Trace.Speed, Volume: j.Trace.Volume})
	case j.Closed != nil && len(j.Phases) == 0:
		// The times are not used, but there must be as many requests as users could send.
		return arrival.New(arrival.Constant(arrival.MaxRate/100, j.Closed.For))
	}
	var curves []arrival.Curve
	var faults []error
	for _, text := range j.Phases {
		c, err := arrival.ParsePhase(text)
		if err != nil {
			faults = append(faults, err)
		}
		curves = append(curves, c...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return arrival.New(curves...)
}

func (j *Job) tls() (*tls.Config, error) {
	if j.Roots == "" && !j.Insecure {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: j.Insecure} // #nosec G402: asked for by name
	if j.Roots != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(j.Roots)) {
			return nil, errors.New("roots: no PEM certificate found")
		}
	}
	return c, nil
}
