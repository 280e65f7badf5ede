package dynamodb

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// discard is a ResponseWriter that keeps the status only.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(s int)   { d.status = s }
func (d *discard) Write(b []byte) (int, error) {
	d.bytes += len(b)
	return len(b), nil
}

// cpu is the user and system time the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchClients run calls on a service on disk without the wire's front, and report CPU per item.
func benchClients(b *testing.B, clients, items int, limits Limits, prepare func(r *rig), call func(rng *rand.Rand, n int) (action, body string)) {
	r := open(b, Options{Dir: b.TempDir(), FS: vfs.Default, Limits: &limits})
	r.create("items", "pk", "sk", "pk:S sk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	r.create("plain", "pk", "sk", "pk:S sk:S")
	if prepare != nil {
		prepare(r)
	}
	var left, serial atomic.Int64
	start := cpu()
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			for left.Add(-1) >= 0 {
				action, body := call(rng, int(serial.Add(1)))
				w := &discard{header: http.Header{}}
				r.service.ServeAWS(w, &wire.Request{Service: "dynamodb", Action: action, Body: []byte(body)})
				if w.status != http.StatusOK {
					b.Errorf("%s: status %d", action, w.status)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	n := float64(b.N * items)
	b.ReportMetric(float64((cpu()-start).Microseconds())/n, "cpu-us/item")
	b.ReportMetric(n/b.Elapsed().Seconds(), "items/s")
}

var payload = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xab\x03\x07", 60)))

func benchItem(pk string, n int) string {
	return fmt.Sprintf(`{"pk":{"S":"%s"},"sk":{"S":"34#orders/2026/11/27/12/%012d#1#0"},"codec":{"N":"1"},"count":{"N":"20"},"block":{"B":"%s"},"version":{"S":"17"}}`, pk, n, payload)
}

func batchBody(rng *rand.Rand, n int) string {
	var sb strings.Builder
	sb.WriteString(`{"RequestItems":{"plain":[`)
	for i := range 25 {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.WriteString(`{"PutRequest":{"Item":` + benchItem(fmt.Sprintf("T#t%04d#E#2026112712#3", rng.IntN(2400)), n*25+i) + `}}`)
	}
	sb.WriteString(`]}}`)
	return sb.String()
}

func BenchmarkBatchWriteItem(b *testing.B) {
	for _, clients := range []int{1, 8} {
		for _, limits := range []string{"off", "aws"} {
			b.Run(fmt.Sprintf("clients=%d/limits=%s/items=25", clients, limits), func(b *testing.B) {
				l := NoLimits()
				if limits == "aws" {
					l = AWSLimits()
					l.OnDemandWriteUnits, l.TableWriteUnits, l.PartitionWriteUnits = 1e9, 1e9, 1e9
				}
				benchClients(b, clients, 25, l, nil, func(rng *rand.Rand, n int) (string, string) { return "BatchWriteItem", batchBody(rng, n) })
			})
		}
	}
}

func BenchmarkTransactWriteItems(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d/items=100", clients), func(b *testing.B) {
			benchClients(b, clients, 100, NoLimits(), nil, func(rng *rand.Rand, n int) (string, string) {
				var sb strings.Builder
				fmt.Fprintf(&sb, `{"ClientRequestToken":"%d","TransactItems":[`, n)
				for i := range 100 {
					if i > 0 {
						sb.WriteByte(',')
					}
					fmt.Fprintf(&sb, `{"Put":{"TableName":"plain","ConditionExpression":"attribute_not_exists(pk) OR gen = :g","ExpressionAttributeValues":{":g":{"N":"1"}},"Item":%s}}`, benchItem(fmt.Sprintf("T#t%04d#R#1m#20261127", i), n))
				}
				sb.WriteString(`]}`)
				return "TransactWriteItems", sb.String()
			})
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	fill := func(r *rig) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 400 {
			w := &discard{header: http.Header{}}
			r.service.ServeAWS(w, &wire.Request{Action: "BatchWriteItem", Body: []byte(batchBody(rng, n))})
			require.Equal(b, http.StatusOK, w.status)
		}
	}
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d/limit=20", clients), func(b *testing.B) {
			benchClients(b, clients, 1, NoLimits(), fill, func(rng *rand.Rand, n int) (string, string) {
				return "Query", fmt.Sprintf(`{"TableName":"plain","KeyConditionExpression":"pk = :p AND begins_with(sk, :s)","ExpressionAttributeValues":{":p":{"S":"T#t%04d#E#2026112712#3"},":s":{"S":"34#"}},"Limit":20,"ConsistentRead":true}`, rng.IntN(2400))
			})
		})
	}
}

func BenchmarkItem(b *testing.B) {
	for name, c := range map[string]func(rng *rand.Rand, n int) (string, string){
		"PutItem": func(rng *rand.Rand, n int) (string, string) {
			return "PutItem", `{"TableName":"plain","Item":` + benchItem(fmt.Sprintf("p%d", rng.IntN(10000)), 1) + `}`
		},
		"PutItemIndexed": func(rng *rand.Rand, n int) (string, string) {
			return "PutItem", `{"TableName":"items","Item":` + strings.Replace(benchItem(fmt.Sprintf("p%d", rng.IntN(10000)), 1), `"codec"`, fmt.Sprintf(`"g":{"S":"g%d"},"codec"`, rng.IntN(100)), 1) + `}`
		},
		"UpdateItem": func(rng *rand.Rand, n int) (string, string) {
			return "UpdateItem", fmt.Sprintf(`{"TableName":"plain","Key":{"pk":{"S":"u%d"},"sk":{"S":"s"}},"UpdateExpression":"SET #n = if_not_exists(#n, :z) + :o","ExpressionAttributeNames":{"#n":"n"},"ExpressionAttributeValues":{":z":{"N":"0"},":o":{"N":"1"}}}`, rng.IntN(10000))
		},
		"GetItem": func(rng *rand.Rand, n int) (string, string) {
			return "GetItem", fmt.Sprintf(`{"TableName":"plain","Key":{"pk":{"S":"u%d"},"sk":{"S":"s"}}}`, rng.IntN(10000))
		},
	} {
		b.Run(fmt.Sprintf("op=%s/clients=8", name), func(b *testing.B) { benchClients(b, 8, 1, NoLimits(), nil, c) })
	}
}
