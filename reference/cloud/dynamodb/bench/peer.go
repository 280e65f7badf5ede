package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// peer is another stand-in for DynamoDB, which keeps its tables in memory.
type peer struct {
	name    string
	command []string
}

// The peers' packages, at the versions that the figures in the README are of.
const (
	dynoxidePackage = "@dynoxide/linux-x64@1.2.1"
	dynalitePackage = "dynalite@4.0.0"
)

// installPeers fetches the peers with npm into a folder below dir, unless they are there.
func installPeers(ctx context.Context, dir string) ([]peer, error) {
	dir = filepath.Join(dir, peersFolder)
	modules := filepath.Join(dir, "node_modules")
	peers := []peer{
		{"dynoxide (memory)", []string{filepath.Join(modules, "@dynoxide", "linux-x64", "dynoxide")}},
		{"dynalite (memory)", []string{"node", filepath.Join(modules, "dynalite", "cli.js"), "--createTableMs", "0"}},
	}
	if _, err := os.Stat(modules); err == nil {
		return peers, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, fmt.Errorf("find npm: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("install peers: %w", err)
	}
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", dynoxidePackage, dynalitePackage)
	if words, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm install: %w: %.300s", err, words)
	}
	return peers, nil
}

// peerStart is how long a peer may take until it answers.
const peerStart = 20 * time.Second

// startPeer starts a peer on a free port.
func startPeer(ctx context.Context, p peer) (*server, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	v := &server{name: p.name, address: free.Addr().String()}
	if err := free.Close(); err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	_, port, _ := net.SplitHostPort(v.address)
	if err := v.launch(p.command[0], append(p.command[1:], "--port", port)...); err != nil {
		return nil, err
	}
	for start := time.Now(); ; {
		conn, err := net.Dial("tcp", v.address)
		if err == nil {
			return v, conn.Close()
		}
		if time.Since(start) > peerStart {
			return nil, errors.Join(fmt.Errorf("start %s: %w: %s", v.name, err, v.words.Bytes()), v.stop())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), v.stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
