package dynamodb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/quota"
)

func (r *rig) createProvisioned(name string, read, write int64) error {
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{TableName: &name, KeySchema: keySchema("pk", ""), AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}},
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: &read, WriteCapacityUnits: &write}})
	return err
}

func (r *rig) provision(name string, read, write int64) (*types.ProvisionedThroughputDescription, error) {
	out, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &name, ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: &read, WriteCapacityUnits: &write}})
	if err != nil {
		return nil, err
	}
	return out.TableDescription.ProvisionedThroughput, nil
}

func TestDecreasesOfADayAreLimited(t *testing.T) {
	r, now := clocked(t, nil)
	require.NoError(t, r.createProvisioned("one", 100, 100))
	for i := range 4 {
		got, err := r.provision("one", 100, int64(90-i))
		require.NoError(t, err)
		require.Equal(t, int64(i+1), *got.NumberOfDecreasesToday)
		require.Equal(t, now.now(), *got.LastDecreaseDateTime)
	}
	_, err := r.provision("one", 99, 87)
	fails(t, err, "LimitExceededException", "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: 4. Last decrease at Friday, November 27, 2026 at 8:00:00 AM Coordinated Universal Time. Next decrease can be made at Friday, November 27, 2026 at 9:00:00 AM Coordinated Universal Time")
	_, err = r.provision("one", 200, 200)
	require.NoError(t, err, "increases are not")
	now.add(time.Hour)
	got, err := r.provision("one", 99, 200)
	require.NoError(t, err)
	require.Equal(t, int64(5), *got.NumberOfDecreasesToday)
	now.add(24 * time.Hour)
	described, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("one")})
	require.NoError(t, err)
	require.Equal(t, int64(0), *described.Table.ProvisionedThroughput.NumberOfDecreasesToday)
}

func TestProvisionedQuotasOfTableAndAccount(t *testing.T) {
	r, _ := clocked(t, nil)
	fails(t, r.createProvisioned("big", 1, 40001), "LimitExceededException", "exceeds the limit of 40000 for a table or an index")
	require.NoError(t, r.createProvisioned("one", 1, 40000))
	require.NoError(t, r.createProvisioned("two", 1, 39999))
	fails(t, r.createProvisioned("three", 1, 2), "LimitExceededException", "would be 80001 units, which exceeds the limit of 80000 for the account")
	require.NoError(t, r.createProvisioned("three", 1, 1))
	_, err := r.provision("three", 2, 1)
	require.NoError(t, err)
}

func TestWarmThroughputMakesPartitions(t *testing.T) {
	r, _ := clocked(t, nil)
	r.create("one", "pk", "", "pk:S")
	partitions := func() int { return r.service.Stats().Tables["one"].Partitions }
	require.Equal(t, 4, partitions())
	warm := func() types.TableWarmThroughputDescription {
		out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("one")})
		require.NoError(t, err)
		return *out.Table.WarmThroughput
	}
	require.Equal(t, [2]int64{12000, 4000}, [2]int64{*warm().ReadUnitsPerSecond, *warm().WriteUnitsPerSecond})
	_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: str("one"), WarmThroughput: &types.WarmThroughput{ReadUnitsPerSecond: aws.Int64(12000), WriteUnitsPerSecond: aws.Int64(10000)}})
	require.NoError(t, err)
	require.Equal(t, 10, partitions())
	require.Equal(t, [2]int64{12000, 10000}, [2]int64{*warm().ReadUnitsPerSecond, *warm().WriteUnitsPerSecond})
}

func TestAnOnDemandTableGrowsWithItsTraffic(t *testing.T) {
	r, now := small(t, func(l *Limits) { l.Doubling = 2 * time.Minute })
	r.create("one", "pk", "", "pk:S")
	flood := func() (served int) {
		for i := range 200 {
			if _, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S(fmt.Sprint("k", i))}}); err == nil {
				served++
			} else {
				fails(t, err, "ThrottlingException", "")
			}
		}
		return served
	}
	require.InDelta(t, 40, flood(), 4)
	for range 59 {
		now.add(time.Second)
		flood()
	}
	now.add(3 * time.Minute)
	flood() // the first request of a minute tells what the last ones brought
	now.add(time.Second)
	require.InDelta(t, 80, flood(), 8)
	require.Equal(t, 8, r.service.Stats().Tables["one"].Partitions)
	out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("one")})
	require.NoError(t, err)
	require.InDelta(t, 80, *out.Table.WarmThroughput.WriteUnitsPerSecond, 2)
}

func TestOneKeysItemsAreSplitByTheirSortKey(t *testing.T) {
	for name, c := range map[string]struct {
		sort func(i int) string
		want float64
	}{
		"spread":  {func(i int) string { return fmt.Sprintf("%02d", i*37%100) }, 20},
		"growing": {func(i int) string { return fmt.Sprintf("%09d", i) }, 10},
	} {
		t.Run(name, func(t *testing.T) {
			r, now := small(t, func(l *Limits) { l.SplitAfter = time.Minute })
			r.create("one", "pk", "sk", "pk:S sk:S")
			n := 0
			second := func() (served float64) {
				for range 40 {
					n++
					if _, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("hot"), "sk": S(c.sort(n))}}); err == nil {
						served++
					}
				}
				now.add(time.Second)
				return served
			}
			for range 60 {
				require.Equal(t, 10., second())
			}
			second()
			require.InDelta(t, c.want, second(), 1)
		})
	}
}

func TestATableKnowsItsSize(t *testing.T) {
	dir := t.TempDir()
	l := AWSLimits()
	r := open(t, Options{Limits: &l, Dir: dir, FS: vfs.Default})
	require.NoError(t, r.createProvisioned("one", 1000, 1000))
	for i := range 30 {
		r.put("one", tenUnits(fmt.Sprint("k", i)))
	}
	bytes := func(s *Service) (sum int64) {
		for _, p := range s.Throttles().Partitions {
			sum += p.Bytes
		}
		return sum
	}
	require.InDelta(t, 30*10*1024, bytes(r.service), 1000)
	r.put("one", av{"pk": S("k0")})
	require.InDelta(t, 29*10*1024, bytes(r.service), 1000)
}

func TestATableKnowsItsSizeAfterAnOpening(t *testing.T) {
	dir := t.TempDir()
	l := AWSLimits()
	first, err := Open(Options{Limits: &l, Dir: dir})
	require.NoError(t, err)
	create := `{"TableName":"one","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}`
	do := func(action, body string) {
		w := &discard{header: map[string][]string{}}
		first.ServeAWS(w, wireRequest(action, body))
		require.Equal(t, 200, w.status)
	}
	do("CreateTable", create)
	for i := range 100 {
		do("PutItem", fmt.Sprintf(`{"TableName":"one","Item":{"pk":{"S":"k%d"},"x":{"S":"%s"}}}`, i, strings.Repeat("0123456789", 400)))
	}
	require.NoError(t, first.Close())
	again, err := Open(Options{Limits: &l, Dir: dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, again.Close()) }()
	for _, p := range again.Throttles().Partitions {
		require.Positive(t, p.Bytes)
	}
}

func TestATableFollowsATargetTrackingPolicy(t *testing.T) {
	r, now := clocked(t, func(l *Limits) { l.Burst = time.Second })
	require.NoError(t, r.createProvisioned("one", 100, 100))
	var tracking quota.TargetTracking
	policy := quota.ScalingPolicy{Min: 5, Max: 1000, Target: 0.7}
	minute := func(perSecond int) int64 {
		for range 60 {
			for range perSecond / 10 {
				_, _ = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: tenUnits("k")})
			}
			now.add(time.Second)
		}
		provisioned, err := r.service.Provisioned("one", "", quota.WriteCapacity)
		require.NoError(t, err)
		to, change := tracking.Minute(now.now(), policy, r.service.Consumed("one", "", quota.WriteCapacity), provisioned)
		if change {
			require.NoError(t, r.service.Provision("one", "", quota.WriteCapacity, to))
		}
		return to
	}
	require.Equal(t, int64(100), minute(200))
	require.Equal(t, int64(143), minute(200), "100 a second got through: 70 % of 143")
	require.Equal(t, 100., r.service.Consumed("one", "", quota.WriteCapacity))
	described, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("one")})
	require.NoError(t, err)
	require.Equal(t, int64(143), *described.Table.ProvisionedThroughput.WriteCapacityUnits)
	require.Equal(t, int64(100), *described.Table.ProvisionedThroughput.ReadCapacityUnits)
	require.Equal(t, int64(143), minute(200))
	require.Equal(t, int64(200), minute(200))
	_, err = r.service.Provisioned("none", "", quota.WriteCapacity)
	require.Error(t, err)
	require.Error(t, r.service.Provision("one", "none", quota.WriteCapacity, 5))
}

func TestCutsAndGrowthSurviveARestart(t *testing.T) {
	now := newClock()
	l := AWSLimits()
	l.PartitionReadUnits, l.PartitionWriteUnits, l.OnDemandReadUnits, l.OnDemandWriteUnits = 10, 10, 40, 40
	l.SplitAfter, l.Doubling = time.Minute, time.Minute
	fs := vfs.NewCrashableMem()
	boot := func() *Service {
		s, err := Open(Options{Limits: &l, Dir: "data", FS: fs, Now: now.now})
		require.NoError(t, err)
		return s
	}
	s := boot()
	do := func(action, body string) {
		w := &discard{header: map[string][]string{}}
		s.ServeAWS(w, wireRequest(action, body))
	}
	do("CreateTable", `{"TableName":"one","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}`)
	for second := range 3 * 60 {
		for i := range 60 {
			do("PutItem", fmt.Sprintf(`{"TableName":"one","Item":{"pk":{"S":"k%d"},"sk":{"S":"%d"}}}`, i%7, (second*60+i)*37%100))
		}
		now.add(time.Second)
	}
	shape := func() (string, warmThroughput, int) {
		table := (*s.tables.Load())["one"]
		table.meter.mu.Lock()
		defer table.meter.mu.Unlock()
		topology := table.meter.mu.spaces[0].Topology()
		return fmt.Sprint(topology), warmThroughput{int64(topology.Warm[0]), int64(topology.Warm[1])}, len(topology.Partitions)
	}
	before, warm, partitions := shape()
	require.Greater(t, partitions, 4)
	require.Greater(t, warm.WriteUnitsPerSecond, int64(40))
	require.NoError(t, s.Close())
	fs = fs.CrashClone(vfs.CrashCloneCfg{})
	s = boot()
	after, _, _ := shape()
	require.Equal(t, before, after)
	require.NoError(t, s.Close())
}
