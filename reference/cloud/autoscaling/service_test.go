package autoscaling

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// fakeTables is one provisioned table, "one", with an index "x".
type fakeTables struct {
	units    map[string]int64 // by index and capacity
	consumed float64
	refuse   error
}

func (f *fakeTables) name(index string, c quota.Capacity) string { return index + "/" + c.String() }

func (f *fakeTables) Provisioned(table, index string, c quota.Capacity) (int64, error) {
	n, ok := f.units[f.name(index, c)]
	if table != "one" || !ok {
		return 0, errors.New("no such table")
	}
	return n, nil
}

func (f *fakeTables) Provision(_, index string, c quota.Capacity, units int64) error {
	if f.refuse == nil {
		f.units[f.name(index, c)] = units
	}
	return f.refuse
}

func (f *fakeTables) Consumed(string, string, quota.Capacity) float64 { return f.consumed }

type rig struct {
	*Service
	t      *testing.T
	db     *pebble.DB
	tables *fakeTables
	now    time.Time
	url    string
}

func open(t *testing.T) *rig {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	require.NoError(t, err)
	r := &rig{t: t, db: db, now: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC),
		tables: &fakeTables{units: map[string]int64{"/read": 100, "/write": 100, "x/write": 100}}}
	r.reopen()
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle(Name, MaxBody, wire.HandlerFunc(func(w http.ResponseWriter, q *wire.Request) { r.ServeAWS(w, q) }))
	server := httptest.NewServer(mux)
	r.url = server.URL
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, r.Close())
		require.NoError(t, db.Close())
	})
	return r
}

func (r *rig) reopen() {
	if r.Service != nil {
		require.NoError(r.t, r.Close())
	}
	var err error
	r.Service, err = Open(Options{DB: r.db, Tables: r.tables, Now: func() time.Time { return r.now }, Manual: true})
	require.NoError(r.t, err)
}

// call sends a signed request as an SDK does. The answer is the body, or the error's code.
func (r *rig) call(action, body string) (out map[string]any, code string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url, bytes.NewBufferString(body))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AnyScaleFrontendService."+action)
	sum := sha256.Sum256([]byte(body))
	require.NoError(r.t, v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, req, hex.EncodeToString(sum[:]), Name, "us-east-1", time.Now()))
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(r.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(text, &out), "%s", text)
	code, _ = out["__type"].(string)
	return out, code[strings.LastIndex(code, "#")+1:]
}

const (
	writes    = `"ServiceNamespace":"dynamodb","ResourceId":"table/one","ScalableDimension":"dynamodb:table:WriteCapacityUnits"`
	indexed   = `"ServiceNamespace":"dynamodb","ResourceId":"table/one/index/x","ScalableDimension":"dynamodb:index:WriteCapacityUnits"`
	seventy   = `"PolicyName":"p","PolicyType":"TargetTrackingScaling","TargetTrackingScalingPolicyConfiguration":{"TargetValue":70,"PredefinedMetricSpecification":{"PredefinedMetricType":"DynamoDBWriteCapacityUtilization"}}`
	fiveToMax = `"MinCapacity":5,"MaxCapacity":1000`
)

func (r *rig) ok(action, body string) map[string]any {
	r.t.Helper()
	out, code := r.call(action, body)
	require.Empty(r.t, code, "%v", out)
	return out
}

func (r *rig) minutes(n int, consumed float64) {
	r.tables.consumed = consumed
	for range n {
		r.now = r.now.Add(time.Minute)
		r.Tick(r.now)
	}
}

func TestAPolicyIsFollowed(t *testing.T) {
	for names, unit := range map[string]string{writes: "/write", indexed: "x/write"} {
		r := open(t)
		require.Contains(t, r.ok("RegisterScalableTarget", "{"+names+","+fiveToMax+"}")["ScalableTargetARN"], "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/")
		out := r.ok("PutScalingPolicy", "{"+names+","+seventy+"}")
		require.Contains(t, out["PolicyARN"], "policyName/p")
		require.Len(t, out["Alarms"], 2)
		r.minutes(1, 90)
		require.Equal(t, int64(100), r.tables.units[unit])
		r.minutes(1, 90)
		require.Equal(t, int64(129), r.tables.units[unit])
		r.minutes(14, 10)
		require.Equal(t, int64(129), r.tables.units[unit])
		r.minutes(1, 10)
		require.Equal(t, int64(15), r.tables.units[unit])
		require.Equal(t, int64(100), r.tables.units["/read"])
		done := r.ok("DescribeScalingActivities", `{"ServiceNamespace":"dynamodb"}`)["ScalingActivities"].([]any)
		require.Len(t, done, 2)
		require.Equal(t, "Setting write capacity units to 15.", done[0].(map[string]any)["Description"])
	}
}

func TestTargetsAndPoliciesSurviveAnOpening(t *testing.T) {
	r := open(t)
	r.ok("RegisterScalableTarget", "{"+writes+","+fiveToMax+"}")
	r.ok("PutScalingPolicy", "{"+writes+","+seventy+"}")
	targets, policies := r.ok("DescribeScalableTargets", `{"ServiceNamespace":"dynamodb"}`), r.ok("DescribeScalingPolicies", `{"ServiceNamespace":"dynamodb"}`)
	require.Len(t, targets["ScalableTargets"], 1)
	require.Len(t, policies["ScalingPolicies"], 1)
	r.reopen()
	require.Equal(t, targets, r.ok("DescribeScalableTargets", `{"ServiceNamespace":"dynamodb"}`))
	require.Equal(t, policies, r.ok("DescribeScalingPolicies", `{"ServiceNamespace":"dynamodb"}`))
	r.minutes(2, 90)
	require.Equal(t, int64(129), r.tables.units["/write"])
	r.ok("DeleteScalingPolicy", "{"+writes+`,"PolicyName":"p"}`)
	r.reopen()
	r.minutes(2, 900)
	require.Equal(t, int64(129), r.tables.units["/write"])
	r.ok("DeregisterScalableTarget", "{"+writes+"}")
	r.reopen()
	require.Empty(t, r.ok("DescribeScalableTargets", `{"ServiceNamespace":"dynamodb"}`)["ScalableTargets"])
}

func TestBoundsHoldFromTheRegistrationOn(t *testing.T) {
	r := open(t)
	r.ok("RegisterScalableTarget", "{"+writes+`,"MinCapacity":200,"MaxCapacity":300}`)
	require.Equal(t, int64(200), r.tables.units["/write"])
	r.ok("RegisterScalableTarget", "{"+writes+`,"MinCapacity":10,"MaxCapacity":150}`)
	require.Equal(t, int64(150), r.tables.units["/write"])
}

func TestAFailedChangeIsRecorded(t *testing.T) {
	r := open(t)
	r.ok("RegisterScalableTarget", "{"+writes+","+fiveToMax+"}")
	r.ok("PutScalingPolicy", "{"+writes+","+seventy+"}")
	r.tables.refuse = errors.New("decreases are limited")
	r.minutes(15, 10)
	done := r.ok("DescribeScalingActivities", `{"ServiceNamespace":"dynamodb"}`)["ScalingActivities"].([]any)
	require.Len(t, done, 1)
	require.Equal(t, "Failed", done[0].(map[string]any)["StatusCode"])
	require.Contains(t, done[0].(map[string]any)["StatusMessage"], "decreases are limited")
}

func TestSuspendedScalingDoesNothing(t *testing.T) {
	r := open(t)
	r.ok("RegisterScalableTarget", "{"+writes+","+fiveToMax+`,"SuspendedState":{"DynamicScalingInSuspended":true,"DynamicScalingOutSuspended":true}}`)
	r.ok("PutScalingPolicy", "{"+writes+","+seventy+"}")
	r.minutes(5, 500)
	r.minutes(20, 1)
	require.Equal(t, int64(100), r.tables.units["/write"])
}

func TestWhatIsNotRightIsRefused(t *testing.T) {
	r := open(t)
	for body, want := range map[string]string{
		"{" + writes + "}": "ValidationException",
		"{" + writes + `,"MinCapacity":5,"MaxCapacity":4}`:                             "ValidationException",
		"{" + strings.Replace(writes, "one", "two", 1) + "," + fiveToMax + "}":         "ValidationException",
		"{" + strings.Replace(writes, "dynamodb", "ecs", 1) + "," + fiveToMax + "}":    "ValidationException",
		"{" + strings.Replace(writes, ":table:", ":index:", 1) + "," + fiveToMax + "}": "ValidationException",
	} {
		_, code := r.call("RegisterScalableTarget", body)
		require.Equal(t, want, code, body)
	}
	_, code := r.call("PutScalingPolicy", "{"+writes+","+seventy+"}")
	require.Equal(t, "ObjectNotFoundException", code)
	r.ok("RegisterScalableTarget", "{"+writes+","+fiveToMax+"}")
	for _, change := range [][2]string{{`:70`, `:95`}, {`TargetTrackingScaling"`, `StepScaling"`}, {"DynamoDBWrite", "DynamoDBRead"}} {
		_, code := r.call("PutScalingPolicy", "{"+writes+","+strings.Replace(seventy, change[0], change[1], 1)+"}")
		require.Equal(t, "ValidationException", code, change[1])
	}
	_, code = r.call("DeleteScalingPolicy", "{"+writes+`,"PolicyName":"p"}`)
	require.Equal(t, "ObjectNotFoundException", code)
	_, code = r.call("Nothing", "{}")
	require.Equal(t, "UnknownOperationException", code)
}

func TestCloseWaitsForTheLoop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	require.NoError(t, err)
	s, err := Open(Options{DB: db, Tables: &fakeTables{}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// An unmodified SDK, which is boto3 since it is a Debian package.
func TestBoto3CanUseIt(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import boto3").CombinedOutput(); err != nil {
		require.NotContains(t, strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), "boto3")
		t.Skipf("skipped: python3 with boto3 is not installed: %s", out)
	}
	r := open(t)
	script := `
import boto3, sys
c = boto3.client("application-autoscaling", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local")
names = dict(ServiceNamespace="dynamodb", ResourceId="table/one", ScalableDimension="dynamodb:table:WriteCapacityUnits")
c.register_scalable_target(MinCapacity=5, MaxCapacity=1000, **names)
c.put_scaling_policy(PolicyName="p", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=dict(TargetValue=70.0, PredefinedMetricSpecification=dict(PredefinedMetricType="DynamoDBWriteCapacityUtilization"), ScaleInCooldown=60), **names)
t = c.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"][0]
p = c.describe_scaling_policies(ServiceNamespace="dynamodb", PolicyNames=["p"])["ScalingPolicies"][0]
print(t["MaxCapacity"], t["CreationTime"].year, p["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], len(p["Alarms"]))
try:
    c.delete_scaling_policy(PolicyName="q", **names)
except c.exceptions.ObjectNotFoundException as e:
    print("none")
`
	out, err := exec.Command("python3", "-c", script, r.url).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "1000 2026 70 2\nnone\n", string(out))
}

// quiet keeps Pebble's words out of the test's.
type quiet struct{ pebble.Logger }

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
