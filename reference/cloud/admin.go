package cloud

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
	"github.com/retailflow/stampede/reference/quota"
)

// The admin pages, all stampede-only. They answer without a signature: the address is a
// loopback one unless the caller chose otherwise. Tokens take an access key as basic
// authentication.
const (
	HealthPath       = "/_stampede/health"
	StatsPath        = "/_stampede/stats"
	EnvironmentsPath = "/_stampede/lambda/environments"
	TokensPath       = "/_stampede/issuer/tokens"
)

// Stats is what one process tells about itself. Services that it does not serve are nil.
type Stats struct {
	Process       ProcessStats         `json:"process"`
	DynamoDB      *dynamodb.Stats      `json:"dynamodb,omitempty"`
	Firehose      *firehose.Stats      `json:"firehose,omitempty"`
	S3            *s3.Stats            `json:"s3,omitempty"`
	EventBridge   *eventbridge.Stats   `json:"events,omitempty"`
	SQS           *sqs.Stats           `json:"sqs,omitempty"`
	StepFunctions *stepfunctions.Stats `json:"states,omitempty"`
	Lambda        *lambda.Stats        `json:"lambda,omitempty"`
	APIGateway    *apigateway.Stats    `json:"apigateway,omitempty"`
}

// ProcessStats are of the cloud process itself, without its function processes.
type ProcessStats struct {
	PID           int     `json:"pid"`
	UptimeSeconds float64 `json:"uptime_seconds"`
	CPUSeconds    float64 `json:"cpu_seconds"` // user and system
	MaxRSSBytes   int64   `json:"max_rss_bytes"`
}

// Stats reads all counters.
func (c *Cloud) Stats() Stats {
	out := Stats{Process: processStats(c.started)}
	if c.dynamodb != nil {
		out.DynamoDB = ptr(c.dynamodb.Stats())
	}
	if c.firehose != nil {
		out.Firehose = ptr(c.firehose.Stats())
	}
	if c.s3 != nil {
		out.S3 = ptr(c.s3.Stats())
	}
	if c.eventbridge != nil {
		out.EventBridge = ptr(c.eventbridge.Stats())
	}
	if c.sqs != nil {
		out.SQS = ptr(c.sqs.Stats())
	}
	if c.stepfunctions != nil {
		out.StepFunctions = ptr(c.stepfunctions.Stats())
	}
	if c.lambda != nil {
		out.Lambda = ptr(c.lambda.Stats())
	}
	if c.apigateway != nil {
		out.APIGateway = ptr(c.apigateway.Stats())
	}
	return out
}

func processStats(started time.Time) ProcessStats {
	out := ProcessStats{PID: os.Getpid(), UptimeSeconds: time.Since(started).Seconds()}
	var use unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &use) == nil {
		out.CPUSeconds = time.Duration(use.Utime.Nano() + use.Stime.Nano()).Seconds()
		out.MaxRSSBytes = use.Maxrss << 10
	}
	return out
}

// unsigned serves what carries no signature: the admin pages, and the API Gateway's data plane;
// where that is not served DynamoDB refuses the rest, through api.
func (c *Cloud) unsigned(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET "+StatsPath, func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Stats()) })
	mux.HandleFunc("GET "+dynamodb.ThrottlesPath, func(w http.ResponseWriter, r *http.Request) {
		if c.dynamodb == nil {
			http.NotFound(w, r)
			return
		}
		reply(w, c.dynamodb.Throttles())
	})
	mux.HandleFunc("GET "+dynamodb.MetricsPath, func(w http.ResponseWriter, r *http.Request) {
		if c.dynamodb == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = c.dynamodb.WriteMetrics(w)
	})
	mux.HandleFunc("GET "+EnvironmentsPath, func(w http.ResponseWriter, r *http.Request) {
		if c.lambda == nil {
			http.NotFound(w, r)
			return
		}
		reply(w, c.lambda.Environments())
	})
	mux.HandleFunc("GET /_stampede/issuer/.well-known/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		if c.issuer == nil {
			http.NotFound(w, r)
			return
		}
		c.issuer.ServeHTTP(w, r)
	})
	mux.HandleFunc("POST "+TokensPath, c.tokens)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_stampede/"):
			mux.ServeHTTP(w, r)
		case c.apigateway != nil:
			c.apigateway.ServeHTTP(w, r)
		case c.dynamodb != nil:
			api.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// TokenRequest asks for one bearer token a tenant.
type TokenRequest struct {
	Tenants []string `json:"tenants"`
	Subject string   `json:"subject"`
	Seconds int64    `json:"ttl_seconds"` // 0 is an hour
}

func (c *Cloud) tokens(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	want, known := c.options.Credentials[id]
	if !known || subtle.ConstantTimeCompare([]byte(want), []byte(secret)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="access key"`)
		http.Error(w, "an access key and its secret are needed as basic authentication", http.StatusUnauthorized)
		return
	}
	if c.issuer == nil {
		http.NotFound(w, r)
		return
	}
	var in TokenRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&in); err != nil {
		http.Error(w, "want JSON with tenants and ttl_seconds: "+err.Error(), http.StatusBadRequest)
		return
	}
	if in.Seconds <= 0 {
		in.Seconds = 3600
	}
	now, out := time.Now(), make(map[string]string, len(in.Tenants))
	for _, tenant := range in.Tenants {
		token, err := c.issuer.Mint(tenant, in.Subject, time.Duration(in.Seconds)*time.Second, now)
		if err != nil {
			c.options.Log.Error("mint_token", "tenant", tenant, "error", err)
			http.Error(w, "no token could be made", http.StatusInternalServerError)
			return
		}
		out[tenant] = token
	}
	reply(w, out)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// LimitHits lists the refusals of each service.
func (s Stats) LimitHits() [][]quota.Hit {
	var out [][]quota.Hit
	if s.DynamoDB != nil {
		out = append(out, s.DynamoDB.LimitHits)
	}
	if s.Firehose != nil {
		out = append(out, s.Firehose.LimitHits)
	}
	if s.S3 != nil {
		out = append(out, s.S3.LimitHits)
	}
	if s.EventBridge != nil {
		out = append(out, s.EventBridge.LimitHits)
	}
	if s.SQS != nil {
		out = append(out, s.SQS.LimitHits)
	}
	if s.StepFunctions != nil {
		out = append(out, s.StepFunctions.LimitHits)
	}
	if s.Lambda != nil {
		out = append(out, s.Lambda.LimitHits)
	}
	if s.APIGateway != nil {
		out = append(out, s.APIGateway.LimitHits)
	}
	return out
}
