package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// load is what was seen while a table was filled. It lies beside the table it is of.
type load struct {
	Bytes    int64         `json:"bytes"`
	Resident []int64       `json:"resident_bytes"` // of the server, at each tenth
	CPU      time.Duration `json:"cpu_ns"`         // of the server
	Elapsed  time.Duration `json:"elapsed_ns"`
}

const loadFile = "load.json"

func readLoad(dir string) (l load, err error) {
	text, err := os.ReadFile(filepath.Join(dir, loadFile))
	if err != nil {
		return l, fmt.Errorf("read preloaded table: %w", err)
	}
	return l, json.Unmarshal(text, &l)
}

// makeLoad fills a table on disk and keeps it. A folder without the file of what was seen is
// half done, and done again.
func makeLoad(ctx context.Context, s settings, dir string, words io.Writer) (l load, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return l, fmt.Errorf("empty %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return l, fmt.Errorf("make %s: %w", dir, err)
	}
	v, err := openOurs(s.server, dir)
	if err != nil {
		return l, err
	}
	l, err = preload(ctx, v, s.preload, words)
	if err == nil {
		_, err = v.settle(ctx)
	}
	if err = errors.Join(err, v.stop()); err != nil {
		return l, fmt.Errorf("fill table: %w", err)
	}
	text, err := json.Marshal(l)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, loadFile), text, 0o644)
	}
	return l, err
}

// preload makes the table and fills it through the SDK, eight calls at a time. At each tenth it
// says how far it is.
func preload(ctx context.Context, v *server, bytes int64, words io.Writer) (l load, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	client := newClient("http://"+v.address, &http.Client{Transport: transport})
	if err := createTable(ctx, client); err != nil {
		return l, err
	}
	n, start := partitions(bytes), time.Now()
	l = load{Bytes: int64(n) * partItems * itemBytes}
	before, err := v.cpu()
	if err != nil {
		return l, err
	}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for i := range 8 {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(uint64(i), 5))
			for {
				p := int(next.Add(1)) - 1
				if p >= n {
					return nil
				}
				if i == 0 && p >= len(l.Resident)*n/10 { // one client looks
					resident, err := v.residentBytes()
					if err != nil {
						return err
					}
					fmt.Fprintf(words, "  %v of %v after %v, %v resident\n", size(int64(p)*partItems*itemBytes), size(l.Bytes), since(start), size(resident))
					l.Resident = append(l.Resident, resident)
				}
				if err := loadPartition(ctx, client, rng, p); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return l, err
	}
	after, err := v.cpu()
	l.CPU, l.Elapsed = after-before, time.Since(start)
	return l, err
}

func loadPartition(ctx context.Context, c *dynamodb.Client, rng *rand.Rand, p int) error {
	var puts []types.WriteRequest
	for i := range partItems {
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: fill(key(partitionKey(p), sortKey(i)), rng, itemBytes)}})
		if len(puts) < batchItems && i < partItems-1 {
			continue
		}
		out, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tableName: puts}})
		if err != nil {
			return err
		}
		if len(out.UnprocessedItems) > 0 {
			return errors.New("items were left unprocessed")
		}
		puts = puts[:0]
	}
	return nil
}

func createTable(ctx context.Context, c *dynamodb.Client) error {
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(tableName), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return err
	}
	return dynamodb.NewTableExistsWaiter(c, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 100 * time.Millisecond }).
		Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(tableName)}, time.Minute)
}

// linkTree copies a folder with its tables. Their sorted files are never changed once written
// and need no copy of their own.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasSuffix(path, ".sst"):
			return os.Link(path, target)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
