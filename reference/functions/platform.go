package functions

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Patience is how a client waits and tries again.
type Patience struct {
	Timeout  time.Duration // of one attempt
	Attempts int
	Backoff  time.Duration // between attempts, at most
}

// A caller waits for Quick calls, whose SLO is 142 ms and whose client can repeat a 503. Work
// from queues is Patient: it is done again from the start if it fails.
var (
	Quick   = Patience{Timeout: time.Second, Attempts: 2, Backoff: 50 * time.Millisecond}
	Patient = Patience{Timeout: 10 * time.Second, Attempts: 4, Backoff: time.Second}
)

// Platform is what a handler is made from.
type Platform struct {
	Env Environment
	Log *slog.Logger

	transport func() *http.Transport
	firehose  func() *firehose.Client
}

// NewPlatform makes no connection and no client yet.
func NewPlatform(env Environment, log *slog.Logger) *Platform {
	p := &Platform{Env: env, Log: log}
	p.transport = sync.OnceValue(func() *http.Transport {
		return &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: time.Second,
			MaxIdleConns:        32, MaxIdleConnsPerHost: 32,
			IdleConnTimeout:    90 * time.Second,
			DisableCompression: true,
			ForceAttemptHTTP2:  false,
		}
	})
	p.firehose = sync.OnceValue(func() *firehose.Client { return firehose.NewFromConfig(p.config("firehose", Quick)) })
	return p
}

// Firehose is the client of the delivery streams, always the same one.
func (p *Platform) Firehose() *firehose.Client { return p.firehose() }

// DynamoDB makes a client.
func (p *Platform) DynamoDB(patience Patience) *dynamodb.Client {
	return dynamodb.NewFromConfig(p.config("dynamodb", patience))
}

// S3 makes a client.
func (p *Platform) S3(patience Patience) *s3.Client {
	config := p.config("s3", patience)
	config.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = config.BaseEndpoint != nil })
}

// config is what config.LoadDefaultConfig would find on Lambda, without its look at files and
// at the instance metadata service.
func (p *Platform) config(service string, patience Patience) aws.Config {
	config := aws.Config{
		Region:      p.Env.Region,
		Credentials: credentials.NewStaticCredentialsProvider(p.Env.AccessKey, p.Env.Secret, p.Env.SessionToken),
		HTTPClient: &http.Client{
			Transport: p.transport(), Timeout: patience.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = patience.Attempts, patience.Backoff
			})
		},
	}
	if url := p.Env.Endpoint(service); url != "" {
		config.BaseEndpoint = &url
	}
	return config
}
