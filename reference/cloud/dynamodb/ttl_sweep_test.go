package dynamodb

import (
	"fmt"
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestExpiredIsANumberOfSecondsThatArePast(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 900e6, time.UTC)
	second := now.Unix()
	over := expired(now, "ttl")
	for text, want := range map[string]bool{
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second-1):                     true,
		fmt.Sprintf(`{"ttl":{"N":"%d.5"}}`, second-1):                   true,
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second):                       false, // it must be less than now
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second+1):                     false,
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second*1000):                  false, // milliseconds: in the year 58000
		fmt.Sprintf(`{"ttl":{"S":"%d"}}`, second-1):                     false,
		fmt.Sprintf(`{"other":{"N":"%d"}}`, second-1):                   false,
		fmt.Sprintf(`{"ttl":{"L":[{"N":"%d"}]}}`, second-1):             false,
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second-5*365*24*3600):         true,
		fmt.Sprintf(`{"ttl":{"N":"%d"}}`, second-5*365*24*3600-1):       false,
		`{"ttl":{"N":"0"}}`:                                             false,
		`{"ttl":{"N":"-1"}}`:                                            false,
		fmt.Sprintf(`{"ttl":{"N":"%d"},"x":{"S":"%d"}}`, second-7, 123): true,
	} {
		require.Equal(t, want, over(docOf(t, text)), text)
	}
	require.False(t, over(nil))
}

// Whatever the tables' sizes and whenever it is asked, a sweep reads every table in every pass,
// begins no pass early, and never reads faster than its rate.
func TestASweepKeepsItsPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.IntRange(1, 20).Draw(t, "every")) * time.Second
		sizes := map[string]int{} // steps a table takes
		var names []string
		for i := range rapid.IntRange(0, 4).Draw(t, "tables") {
			name := fmt.Sprint("t", i)
			names = append(names, name)
			sizes[name] = rapid.IntRange(1, 5).Draw(t, name)
		}
		w := sweep{every: every}
		now := time.Unix(1, 0)
		var passes []time.Time
		var read int
		busy := now // when the bytes read so far are paid for
		reads := map[string]int{}
		for range 60 {
			name, from, wait := w.step(now, func() []string {
				for table, n := range reads {
					require.Equal(t, sizes[table], n, "a pass reads the whole of %s", table)
				}
				if len(passes) > 0 {
					require.Len(t, reads, len(names))
					require.GreaterOrEqual(t, now.Sub(passes[len(passes)-1]), every)
				}
				clear(reads)
				passes = append(passes, now)
				return names
			})
			if wait > 0 {
				require.Empty(t, name)
				now = now.Add(wait)
				continue
			}
			require.False(t, now.Before(busy), "too fast: %d bytes read", read)
			n, _ := fmt.Sscanf(string(from), "%d", new(int))
			require.Equal(t, reads[name] > 0, n == 1, "the place to go on from")
			reads[name]++
			bytes := rapid.IntRange(0, 4*sweepStep).Draw(t, "bytes")
			read += bytes
			busy = now.Add(time.Duration(float64(bytes) / sweepRate * float64(time.Second)))
			var next []byte
			if reads[name] < sizes[name] {
				next = fmt.Append(nil, reads[name])
			}
			w.looked(now, bytes, next)
		}
		require.NotEmpty(t, passes)
	})
}

// pass does one whole pass at a moment, on a rig whose own upkeep has gone to sleep.
func (r *rig) pass(now time.Time) {
	r.t.Helper()
	k := newUpkeep(r.service, time.Hour)
	for wait := time.Duration(0); wait < time.Second; now = now.Add(wait) {
		var err error
		wait, err = k.work(now)
		require.NoError(r.t, err)
	}
}

func (r *rig) keys(table string) (pks []string) {
	r.t.Helper()
	out, err := r.Scan(ctx, &ddb.ScanInput{TableName: &table}, again)
	require.NoError(r.t, err)
	for _, it := range out.Items {
		pks = append(pks, showValue(it["pk"]))
	}
	return pks
}

func TestExpiredItemsAreRemoved(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := openStreams(t, Options{Now: func() time.Time { return now }, Limits: ptr(AWSLimits()), ExpireEvery: time.Hour})
	r.create("items", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	arn := r.stream("items", types.StreamViewTypeOldImage)
	at := func(d time.Duration) types.AttributeValue { return N(now.Add(d).Unix()) }
	r.put("items", av{"pk": S("past"), "g": S("g"), "ttl": at(-time.Second)})
	r.put("items", av{"pk": S("future"), "g": S("g"), "ttl": at(time.Second)})
	r.put("items", av{"pk": S("never"), "g": S("g")})
	r.pass(now)
	require.ElementsMatch(t, []string{"past", "future", "never"}, r.keys("items"), "time to live is off")

	require.NoError(t, r.expireBy("items", "ttl", true))
	require.ElementsMatch(t, []string{"past", "future", "never"}, r.keys("items"), "what is expired is seen until it is removed")
	consumed := r.service.Stats().Tables["items"].WriteUnits
	r.pass(now)
	require.ElementsMatch(t, []string{"future", "never"}, r.keys("items"))
	r.pass(now.Add(2 * time.Second))
	require.Equal(t, []string{"never"}, r.keys("items"))
	out, err := r.Query(ctx, &ddb.QueryInput{TableName: str("items"), IndexName: str("byG"), KeyConditionExpression: str("g = :g"), ExpressionAttributeValues: av{":g": S("g")}})
	require.NoError(t, err)
	require.Equal(t, "g=g pk=never", showAll(out.Items), "nor are they in indexes")
	require.Equal(t, consumed, r.service.Stats().Tables["items"].WriteUnits, "it costs no capacity")
	require.Equal(t, int64(2), r.service.Stats().Expired)

	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("never")}})
	require.NoError(t, err)
	got := showRecords(r.all(arn))[3:]
	require.Equal(t, fmt.Sprintf("REMOVE {pk=past} {g=g pk=past ttl=%d} - Service dynamodb.amazonaws.com", now.Unix()-1), got[0])
	require.Equal(t, fmt.Sprintf("REMOVE {pk=future} {g=g pk=future ttl=%d} - Service dynamodb.amazonaws.com", now.Unix()+1), got[1])
	require.Equal(t, "REMOVE {pk=never} {g=g pk=never} -", got[2], "one that a caller removed is not the service's")
}

func TestAnItemThatWasRenewedStays(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := open(t, Options{Now: func() time.Time { return now }, ExpireEvery: time.Hour})
	r.create("items", "pk", "", "pk:S")
	require.NoError(t, r.expireBy("items", "ttl", true))
	for _, pk := range []string{"a", "b", "c"} {
		r.put("items", av{"pk": S(pk), "ttl": N(now.Unix() - 1)})
	}
	tab := (*r.service.tables.Load())["items"]
	found, err := r.service.store.Look(tab.schema, nil, sweepStep, expired(now, "ttl"))
	require.NoError(t, err)
	require.Len(t, found.Keys, 3)
	r.put("items", av{"pk": S("b"), "ttl": N(now.Unix() + 1)})
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("c")}})
	require.NoError(t, err)
	require.NoError(t, r.service.expire(now, "items", found.Keys))
	require.Equal(t, []string{"b"}, r.keys("items"))
	require.Equal(t, int64(1), r.service.Stats().Expired)
}

func TestAnItemInATransactionIsLeftForTheNextPass(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := open(t, Options{Now: func() time.Time { return now }, ExpireEvery: time.Hour})
	r.create("items", "pk", "", "pk:S")
	require.NoError(t, r.expireBy("items", "ttl", true))
	r.put("items", av{"pk": S("a"), "ttl": N(now.Unix() - 1)})
	ch := change{verb: verbDelete, table: (*r.service.tables.Load())["items"], given: docOf(t, `{"pk":{"S":"a"}}`)}
	require.NoError(t, ch.prepare())
	u := r.service.store.Begin()
	require.NoError(t, u.Lock(ch.key))
	u.Claim(ch.key)
	u2 := r.service.store.Begin()
	require.NoError(t, r.service.expireOne(u2, ch.table, ch.key, expired(now, "ttl")))
	require.NoError(t, u2.Release())
	require.NoError(t, u.Release())
	require.Equal(t, []string{"a"}, r.keys("items"))
	r.pass(now)
	require.Empty(t, r.keys("items"))
}

// A table of many steps is read to its end, and what has expired while nobody looked, or the
// service was down, goes with the first pass after: by the service's own upkeep.
func TestTheServiceRemovesByItself(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	fs := vfs.NewMem()
	const n = 60
	t.Run("before", func(t *testing.T) {
		r := open(t, Options{FS: fs, Now: func() time.Time { return now }, ExpireEvery: time.Hour})
		r.create("items", "pk", "", "pk:S")
		require.NoError(t, r.expireBy("items", "ttl", true))
		big := string(make([]byte, 20<<10)) // five steps in all
		for i := range n {
			r.put("items", av{"pk": S(fmt.Sprint(i)), "ttl": N(now.Unix() + int64(i%2)), "big": S(big)})
		}
	})
	now = now.Add(2 * time.Second)
	t.Run("after", func(t *testing.T) {
		began := time.Now()
		r := open(t, Options{FS: fs, Now: func() time.Time { return now.Add(time.Since(began)) }, ExpireEvery: time.Millisecond})
		require.Eventually(t, func() bool { return len(r.keys("items")) == 0 }, 30*time.Second, 10*time.Millisecond)
		require.Equal(t, int64(n), r.service.Stats().Expired)
	})
}
