package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// rig is a service behind the wire with an unmodified SDK client.
type rig struct {
	*ddb.Client
	t       testing.TB
	service *Service
	url     string
}

// open starts a service in memory; o's zero values are filled in. No retries: a test sees what
// the service says.
func open(t testing.TB, o Options) *rig {
	t.Helper()
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	if o.Dir == "" {
		o.Dir = "data"
	}
	if o.Limits == nil {
		off := NoLimits()
		o.Limits = &off
	}
	s, err := Open(o)
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("dynamodb", MaxBody, s)
	mux.Target("dynamodb", "DynamoDB")
	mux.Fallback(mux.Unsigned("dynamodb"))
	server := httptest.NewServer(mux)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		require.NoError(t, s.Close())
	})
	client := ddb.New(ddb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer: retry.AddWithMaxAttempts(retry.NewStandard(), 1), HTTPClient: &http.Client{Transport: transport},
	})
	return &rig{Client: client, t: t, service: s, url: server.URL}
}

var ctx = context.Background()

// attrs parses an item in the wire's form into the SDK's.
func attrs(t testing.TB, text string) map[string]types.AttributeValue {
	t.Helper()
	d := item.NewDecoder([]byte(text))
	doc := item.Doc(d.Doc(nil))
	require.NoError(t, d.Err(), text)
	require.NoError(t, d.Invalid, text)
	return fromDoc(doc)
}

func fromDoc(d item.Doc) map[string]types.AttributeValue {
	m := map[string]types.AttributeValue{}
	for name, v := range d.All() {
		m[string(name)] = fromValue(v)
	}
	return m
}

func fromValue(v item.Value) types.AttributeValue {
	members := func(text bool) (out []string) {
		for m := range v.Members() {
			if text {
				out = append(out, string(item.AppendNumberText(nil, m)))
			} else {
				out = append(out, string(m))
			}
		}
		return out
	}
	switch v.Type() {
	case item.String:
		return &types.AttributeValueMemberS{Value: string(v.Payload())}
	case item.Number:
		return &types.AttributeValueMemberN{Value: string(item.AppendNumberText(nil, v.Payload()))}
	case item.Binary:
		return &types.AttributeValueMemberB{Value: v.Payload()}
	case item.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.True()}
	case item.Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case item.StringSet:
		return &types.AttributeValueMemberSS{Value: members(false)}
	case item.NumberSet:
		return &types.AttributeValueMemberNS{Value: members(true)}
	case item.BinarySet:
		b := &types.AttributeValueMemberBS{}
		for _, m := range members(false) {
			b.Value = append(b.Value, []byte(m))
		}
		return b
	case item.List:
		l := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
		for e := range v.Elements() {
			l.Value = append(l.Value, fromValue(e))
		}
		return l
	}
	return &types.AttributeValueMemberM{Value: fromDoc(v.Doc())}
}

// show prints an item of the SDK: names in order, values in short.
func show(m map[string]types.AttributeValue) string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	var parts []string
	for _, n := range names {
		parts = append(parts, n+"="+showValue(m[n]))
	}
	return strings.Join(parts, " ")
}

func showValue(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberM:
		return "{" + show(v.Value) + "}"
	case *types.AttributeValueMemberL:
		var parts []string
		for _, e := range v.Value {
			parts = append(parts, showValue(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *types.AttributeValueMemberSS:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNS:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	}
	return fmt.Sprintf("%T", v)
}

func showAll(items []map[string]types.AttributeValue) string {
	var parts []string
	for _, m := range items {
		parts = append(parts, show(m))
	}
	return strings.Join(parts, "; ")
}

// fails wants an API error of a code whose message holds text.
func fails(t testing.TB, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	require.True(t, errors.As(err, &api), "want an API error, got %v", err)
	require.Equal(t, code, api.ErrorCode(), api.ErrorMessage())
	require.Contains(t, api.ErrorMessage(), text)
}

func str(s string) *string { return &s }

// S and N are attribute values.
func S(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func N(n any) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

type av = map[string]types.AttributeValue

func gsi(name, hash, sort string, p types.ProjectionType, include ...string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{IndexName: &name, KeySchema: keySchema(hash, sort), Projection: &types.Projection{ProjectionType: p, NonKeyAttributes: include}}
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	k := []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}}
	if sort != "" {
		k = append(k, types.KeySchemaElement{AttributeName: &sort, KeyType: types.KeyTypeRange})
	}
	return k
}

// create makes an on-demand table; attributes are like "pk:S sk:N".
func (r *rig) create(name, hash, sort, attributes string, indexes ...types.GlobalSecondaryIndex) {
	r.t.Helper()
	in := &ddb.CreateTableInput{TableName: &name, KeySchema: keySchema(hash, sort), BillingMode: types.BillingModePayPerRequest, GlobalSecondaryIndexes: indexes}
	for _, a := range strings.Fields(attributes) {
		n, typ, _ := strings.Cut(a, ":")
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &n, AttributeType: types.ScalarAttributeType(typ)})
	}
	_, err := r.CreateTable(ctx, in)
	require.NoError(r.t, err)
	require.NoError(r.t, ddb.NewTableExistsWaiter(r.Client).Wait(ctx, &ddb.DescribeTableInput{TableName: &name}, time.Second))
}

func (r *rig) put(table string, m av) {
	r.t.Helper()
	_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: &table, Item: m})
	require.NoError(r.t, err)
}

func (r *rig) get(table string, key av) av {
	r.t.Helper()
	out, err := r.GetItem(ctx, &ddb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	require.NoError(r.t, err)
	return out.Item
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// docOf parses a document.
func docOf(t testing.TB, text string) item.Doc {
	t.Helper()
	d := item.NewDecoder([]byte(text))
	out := d.Doc(nil)
	require.NoError(t, d.Err())
	require.NoError(t, d.Invalid)
	return out
}
