package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/debuglogger"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3err"
)

// owner is the account that owns every bucket. Its secret is made at each start and leaves the
// process never, so that nobody signs as the owner; all access keys are administrators under it.
const owner = "stampede"

// gateway runs the Versity gateway on a private socket and passes requests to it.
type gateway struct {
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	cancel    context.CancelFunc
	done      chan error
}

// openGateway returns when the gateway serves.
func openGateway(be backend.Backend, dir, region string, keys map[string]string, onError func(http.ResponseWriter, *http.Request, error)) (*gateway, error) {
	socket := filepath.Join(dir, "s3.sock")
	if runtime.GOOS == "linux" {
		socket = "@stampede-s3-" + rand.Text() // needs no file and knows no limit of 108 bytes
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &gateway{cancel: cancel, done: make(chan error, 1)}
	listening := make(chan struct{})
	config := &embedgw.Config{
		RootUserAccess: owner, RootUserSecret: rand.Text(),
		Region: region, Ports: []string{socket},
		MaxConnections: 16384, MaxRequests: 16384, MultipartMaxParts: 10000,
		KeepAlive: true, Quiet: true, LogLevel: debuglogger.LevelSilent, DisableACLs: true,
		IAMService: accounts(keys),
		S3Options:  []s3api.Option{s3api.WithOnListen(func() { close(listening) })},
	}
	go func() { g.done <- embedgw.RunVersityGW(ctx, be, config) }()
	select {
	case <-listening:
	case err := <-g.done:
		cancel()
		return nil, fmt.Errorf("start s3 gateway: %w", err)
	}
	g.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute,
		DisableCompression: true,
	}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{Scheme: "http", Host: "s3", Path: r.In.URL.Path, RawPath: r.In.URL.RawPath, RawQuery: r.In.URL.RawQuery}
			r.Out.Host = r.In.Host // is signed
		},
		Transport:    g.transport,
		ErrorHandler: onError,
	}
	if err := g.probe(); err != nil {
		return nil, errors.Join(fmt.Errorf("start s3 gateway: %w", err), g.close())
	}
	return g, nil
}

// probe waits until the gateway answers: one that is stopped between listening and serving would
// leave its listener behind. The answer is a refusal, for the request is not signed.
func (g *gateway) probe() error {
	r, err := http.NewRequest(http.MethodGet, "http://s3/", nil)
	if err != nil {
		return err
	}
	answer, err := g.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

// close waits for requests in flight, ten seconds at most.
func (g *gateway) close() error {
	g.transport.CloseIdleConnections()
	g.cancel()
	if err := <-g.done; err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("stop s3 gateway: %w", err)
	}
	return nil
}

// accounts maps access keys to secrets; each is an administrator of the one account.
type accounts map[string]string

var _ auth.IAMService = accounts{}

var errFixedAccounts = s3err.GetAPIError(s3err.ErrAdminMethodNotSupported)

// GetUserAccount finds an access key.
func (a accounts) GetUserAccount(access string) (auth.Account, error) {
	secret, ok := a[access]
	if !ok {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return auth.Account{Access: access, Secret: secret, Role: auth.RoleAdmin}, nil
}

// ResolveAccounts returns those keys that do not exist.
func (a accounts) ResolveAccounts(keys []string) (unknown []string, err error) {
	for _, key := range keys {
		if _, ok := a[key]; !ok {
			unknown = append(unknown, key)
		}
	}
	return unknown, nil
}

// CreateAccount is refused: keys are given at Open.
func (accounts) CreateAccount(auth.Account) error { return errFixedAccounts }

// UpdateUserAccount is refused: keys are given at Open.
func (accounts) UpdateUserAccount(string, auth.MutableProps) error { return errFixedAccounts }

// DeleteUserAccount is refused: keys are given at Open.
func (accounts) DeleteUserAccount(string) error { return errFixedAccounts }

// ListUserAccounts is refused: keys are given at Open.
func (accounts) ListUserAccounts() ([]auth.Account, error) { return nil, errFixedAccounts }

// Shutdown does nothing.
func (accounts) Shutdown() error { return nil }
