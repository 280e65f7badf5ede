package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/chaos/agent"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/deploy/stack"
)

// The key that the harness, the functions and the stack sign with; nothing listens beyond
// loopback.
const accessKey, secretKey = "local", "local"

// world is the system under test, running: agent, data and edge as supervised processes.
type world struct {
	dir        string // run directory: pid files, logs, the agent's socket
	dataURL    string
	edgeURL    string
	supervisor *Supervisor
	agent      *agent.Client
	clients    stack.Clients
	asked      []stack.Setting // of AWS's services, by the deployment
	http       *http.Client
}

// boot starts the processes and applies the stack. On an error everything is stopped again.
func boot(ctx context.Context, o *Options, dir string, config stack.Config, restarted func(string, time.Time)) (*world, error) {
	data, err := freeAddress()
	if err != nil {
		return nil, err
	}
	edge, err := freeAddress()
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, dataURL: "http://" + data, edgeURL: "http://" + edge,
		http: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	if w.supervisor, err = NewSupervisor(dir, restarted); err != nil {
		return nil, err
	}
	if err := w.start(ctx, o, data, edge, config); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context, o *Options, data, edge string, config stack.Config) error {
	given, found := limitsOf(o.Scenario.Limits)
	if len(found) > 0 {
		return found
	}
	limits, err := limitsFile(given, w.dir)
	if err != nil {
		return err
	}
	command := func(args ...string) []string { return append(append([]string(nil), o.Self...), args...) }
	// The data process is one that faults kill; the others dying on their own ends the drill.
	programs := []Program{
		{Name: "data", Restart: true, Health: w.dataURL + cloud.HealthPath, Command: command("cloud", "--services", "data", "--listen", data,
			"--data-dir", filepath.Join(o.DataDir, "data"), "--limits", limits, "--peer", w.edgeURL)},
		{Name: "edge", Health: w.edgeURL + cloud.HealthPath, Command: command("cloud", "--services", "edge", "--listen", edge,
			"--data-dir", filepath.Join(o.DataDir, "edge"), "--limits", limits, "--peer", w.dataURL, "--slow", o.Scenario.Objectives.P99.String())},
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, p := range programs {
		g.Go(func() error { return w.supervisor.Start(gctx, p) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// The agent is started last, and so stopped first: it reverts through the others.
	if err := w.supervisor.Start(ctx, Program{Name: "agent", Command: command("agent", "--dir", w.dir, "--edge", w.edgeURL), Outlive: true}); err != nil {
		return err
	}
	w.agent = agent.NewClient(w.dir)
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := w.agent.Ready(ready); err != nil {
		return fmt.Errorf("agent: %w", errors.Join(err, w.supervisor.Failed()))
	}
	config.Endpoints = stack.Endpoints{Data: w.dataURL, Edge: w.edgeURL, AccessKey: accessKey, Secret: secretKey}
	w.clients = stack.NewClients(config.Endpoints)
	if w.asked, err = stack.Apply(ctx, config); err != nil {
		return fmt.Errorf("deploy the stack: %w", errors.Join(err, w.supervisor.Failed()))
	}
	return nil
}

// stop ends all processes, the agent first: it reverts what it still holds.
func (w *world) stop() {
	w.supervisor.Stop(3 * time.Second)
	if w.agent != nil {
		w.agent.Close()
	}
}

// limitsFile writes limits as `stampede cloud --limits` reads them and returns its argument.
func limitsFile(limits cloud.Limits, dir string) (string, error) {
	text := limits.Text()
	if text == "" {
		return "aws", nil
	}
	path := filepath.Join(dir, "limits.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write limits: %w", err)
	}
	return path, nil
}

// tokens asks the issuer for a bearer token for each tenant.
func (w *world) tokens(ctx context.Context, tenants []string, ttl time.Duration) (map[string]string, error) {
	body, err := json.Marshal(cloud.TokenRequest{Tenants: tenants, Subject: "stampede", Seconds: int64(ttl / time.Second)})
	if err != nil {
		return nil, fmt.Errorf("ask for tokens: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.edgeURL+cloud.TokensPath, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask for tokens: %w", err)
	}
	req.SetBasicAuth(accessKey, secretKey)
	res, err := w.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for tokens: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return nil, fmt.Errorf("ask for tokens: status %d: %s", res.StatusCode, bytes.TrimSpace(text))
	}
	var tokens map[string]string
	if err := json.NewDecoder(res.Body).Decode(&tokens); err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return tokens, nil
}

// stats asks a cloud process for its counters.
func (w *world) stats(ctx context.Context, base string) (cloud.Stats, error) {
	var out cloud.Stats
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+cloud.StatsPath, nil)
	if err != nil {
		return out, err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return out, fmt.Errorf("stats of %s: status %d", base, res.StatusCode)
	}
	return out, json.NewDecoder(res.Body).Decode(&out)
}
