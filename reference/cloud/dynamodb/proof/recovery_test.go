package proof

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// recoveryLimit is how long a server may take from its start to its first answer, with 1 GB.
const recoveryLimit = 2 * time.Second

// A server that was killed with 1 GB (64 MB in the short form) of data answers soon after its
// start. The limit is held at length only, where nothing else keeps the machine busy.
func TestRecoveryTime(t *testing.T) {
	const size, batch, clients = 16 << 10, 25, 4
	batches := times(64, 1024) << 20 / (size * batch)
	text := base64.StdEncoding.EncodeToString(randomBytes(1 << 20))
	dir := t.TempDir()
	server := start(t, dir, "")
	c := client(t, server.url)
	require.NoError(t, createTable(t.Context(), c))
	group, ctx := errgroup.WithContext(context.Background())
	for who := range clients {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(uint64(who), 1))
			for b := who; b < batches; b += clients {
				var requests []types.WriteRequest
				for k := range batch {
					at := rng.IntN(len(text) - size)
					requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{
						"pk": str(fmt.Sprintf("b%d-%d", b, k)), "n": num(b), "g": str(fmt.Sprintf("g%d", rng.IntN(1000))), "pad": str(text[at : at+size/2]),
					}}})
				}
				if _, err := c.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	server.kill()

	began := time.Now()
	server = start(t, dir, "")
	c = client(t, server.url)
	out, err := c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String(table), Key: item{"pk": str(fmt.Sprintf("b%d-0", batches-1))}, ConsistentRead: aws.Bool(true)})
	took := time.Since(began)
	require.NoError(t, err)
	require.Equal(t, batches-1, version(out.Item))
	server.kill()
	t.Logf("%d MB on disk, %d MB of it written items and their index entries: first answer %d ms after the start", onDisk(t, dir)>>20, batches*batch*size>>20, took.Milliseconds())
	if long() {
		require.Less(t, took, recoveryLimit)
	}
}

func randomBytes(n int) []byte {
	rng, out := rand.New(rand.NewPCG(1, 1)), make([]byte, n)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

func onDisk(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}
