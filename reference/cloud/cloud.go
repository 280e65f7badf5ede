package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/autoscaling"
	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/issuer"
	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/s3"
	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/stepfunctions"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// lambdaBody is the largest request to Lambda's API, in bytes: a zipped function in base64.
const lambdaBody = 96 << 20

// Cloud is a running set of services. Safe for concurrent use.
type Cloud struct {
	options  Options
	started  time.Time
	listener net.Listener
	server   *wire.Server
	serving  chan struct{} // closed when the server has returned
	closers  []func() error

	db            *pebble.DB
	dynamodb      *dynamodb.Service
	firehose      *firehose.Service
	s3            *s3.Service
	eventbridge   *eventbridge.Service
	sqs           *sqs.Service
	stepfunctions *stepfunctions.Service
	lambda        *lambda.Service
	apigateway    *apigateway.Service
	issuer        *issuer.Issuer
}

// Open recovers the services' state and serves them. The listener is opened first, so that a
// taken port is reported before anything is touched.
func Open(o Options) (*Cloud, error) {
	o.ensureDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	c := &Cloud{options: o, listener: listener, started: time.Now(), serving: make(chan struct{})}
	if err := c.open(); err != nil {
		return nil, errors.Join(err, listener.Close(), c.closeServices())
	}
	go func() {
		defer close(c.serving)
		_ = c.server.Serve(listener)
	}()
	return c, nil
}

// URL is where everything answers.
func (c *Cloud) URL() string { return "http://" + c.listener.Addr().String() }

// Close stops accepting, gives requests a second to end, and closes the services in the reverse
// order of opening.
func (c *Cloud) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.server.Shutdown(ctx); err != nil {
		_ = c.server.Close()
	}
	<-c.serving
	return c.closeServices()
}

func (c *Cloud) closeServices() error {
	var faults []error
	for i := len(c.closers) - 1; i >= 0; i-- {
		faults = append(faults, c.closers[i]())
	}
	return errors.Join(faults...)
}

func (c *Cloud) onClose(name string, close func() error) {
	c.closers = append(c.closers, func() error {
		if err := close(); err != nil {
			return fmt.Errorf("close %s: %w", name, err)
		}
		return nil
	})
}

func (c *Cloud) open() error {
	o := c.options
	if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	db, err := pebble.Open(filepath.Join(o.DataDir, "state"), &pebble.Options{Logger: pebbleLog{o.Log}})
	if err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	c.db = db
	c.onClose("state", db.Close)

	mux := wire.NewMux(o.Credentials, nil, o.Log)
	mux.Fallback(c.unsigned(mux.Unsigned(string(DynamoDB))))
	if err := c.openData(mux); err != nil {
		return err
	}
	if err := c.openEdge(mux); err != nil {
		return err
	}
	c.server = &wire.Server{
		HTTP:   &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute},
		Direct: []string{"DynamoDB_"}, // its handlers never wait for anything but the disk
		Log:    o.Log,
	}
	return nil
}

// openData opens the services that keep data, what they depend on first.
func (c *Cloud) openData(mux *wire.Mux) (err error) {
	o := c.options
	if o.serves(DynamoDB) {
		if c.dynamodb, err = dynamodb.Open(dynamodb.Options{Dir: filepath.Join(o.DataDir, "dynamodb"), ExpireEvery: o.ExpireEvery, Limits: o.Limits.DynamoDB, Log: o.Log}); err != nil {
			return fmt.Errorf("open dynamodb: %w", err)
		}
		c.onClose("dynamodb", c.dynamodb.Close)
		mux.Handle(string(DynamoDB), dynamodb.MaxBody, c.dynamodb)
		mux.Target(string(DynamoDB), "DynamoDB")
		if len(o.Services) == 1 {
			mux.Target(string(DynamoDB), "") // there is nobody else to refuse what names nobody
		}
		scaling, err := autoscaling.Open(autoscaling.Options{DB: c.db, Tables: c.dynamodb, Log: o.Log})
		if err != nil {
			return err
		}
		c.onClose("autoscaling", scaling.Close)
		mux.Handle(autoscaling.Name, autoscaling.MaxBody, scaling)
	}
	if o.serves(SQS) {
		if c.sqs, err = sqs.Open(sqs.Options{DB: c.db, Limits: o.Limits.SQS, Log: o.Log}); err != nil {
			return fmt.Errorf("open sqs: %w", err)
		}
		c.onClose("sqs", c.sqs.Close)
		mux.Handle(string(SQS), sqs.MaxBody, c.sqs)
	}
	if o.serves(StepFunctions) {
		if c.stepfunctions, err = stepfunctions.Open(stepfunctions.Options{DB: c.db, Limits: o.Limits.StepFunctions, Lambda: c.functions(), Log: o.Log}); err != nil {
			return fmt.Errorf("open stepfunctions: %w", err)
		}
		c.onClose("stepfunctions", c.stepfunctions.Close)
		mux.Handle(string(StepFunctions), stepfunctions.MaxBody, c.stepfunctions)
	}
	if o.serves(EventBridge) {
		if c.eventbridge, err = eventbridge.Open(eventbridge.Options{DB: c.db, Limits: o.Limits.EventBridge, Targets: c.targets(), Log: o.Log}); err != nil {
			return fmt.Errorf("open eventbridge: %w", err)
		}
		c.onClose("eventbridge", c.eventbridge.Close)
		mux.Handle(string(EventBridge), eventbridge.MaxBody, c.eventbridge)
	}
	if o.serves(S3) {
		if c.s3, err = s3.Open(s3.Options{Dir: filepath.Join(o.DataDir, "s3"), DB: c.db, Limits: o.Limits.S3, Events: c.objectEvents(), Credentials: o.Credentials, Log: o.Log}); err != nil {
			return fmt.Errorf("open s3: %w", err)
		}
		c.onClose("s3", c.s3.Close)
		mux.HandleRaw(string(S3), c.s3)
	}
	if o.serves(Firehose) {
		if c.firehose, err = firehose.Open(firehose.Options{DB: c.db, Limits: o.Limits.Firehose, Objects: c.objects(), Log: o.Log}); err != nil {
			return fmt.Errorf("open firehose: %w", err)
		}
		c.onClose("firehose", c.firehose.Close)
		mux.Handle(string(Firehose), firehose.MaxBody, c.firehose)
	}
	return nil
}

// openEdge opens the services that face clients.
func (c *Cloud) openEdge(mux *wire.Mux) (err error) {
	o := c.options
	if o.serves(Lambda) {
		access, secret := c.ownKey()
		if c.lambda, err = lambda.Open(lambda.Options{
			DB: c.db, Dir: filepath.Join(o.DataDir, "lambda"), Limits: o.Limits.Lambda, Queue: c.queue(),
			Variables:   map[string]string{"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": c.endpoint(DynamoDB)},
			FunctionLog: o.FunctionLog, Log: o.Log,
		}); err != nil {
			return fmt.Errorf("open lambda: %w", err)
		}
		c.onClose("lambda", c.lambda.Close)
		mux.Handle(string(Lambda), lambdaBody, c.lambda)
	}
	if o.serves(APIGateway) {
		if c.issuer, err = issuer.Open(issuer.Options{DB: c.db}); err != nil {
			return fmt.Errorf("open issuer: %w", err)
		}
		if c.apigateway, err = apigateway.Open(apigateway.Options{DB: c.db, Limits: o.Limits.APIGateway, Invoker: c.invoker(), Keys: c.issuer, Slow: o.Slow, Log: o.Log}); err != nil {
			return fmt.Errorf("open apigateway: %w", err)
		}
		c.onClose("apigateway", c.apigateway.Close)
		mux.Handle(string(APIGateway), apigateway.MaxBody, c.apigateway)
	}
	return nil
}

// endpoint is where a service answers: here, or at the peer.
func (c *Cloud) endpoint(s Service) string {
	if c.options.serves(s) || c.options.Peer == "" {
		return c.URL()
	}
	return c.options.Peer
}

// ownKey is a key that this process signs its own calls with.
func (c *Cloud) ownKey() (access, secret string) {
	for id, key := range c.options.Credentials {
		if access == "" || id < access {
			access, secret = id, key
		}
	}
	return access, secret
}

// Token mints a bearer token for a tenant. It fails where the API Gateway is not served.
func (c *Cloud) Token(tenant string, ttl time.Duration) (string, error) {
	if c.issuer == nil {
		return "", errors.New("mint token: the API Gateway is not served in this process")
	}
	return c.issuer.Mint(tenant, "stampede", ttl, time.Now())
}
