package proof

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// resident is the memory of a process in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0 // another system than Linux
	}
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(kilobytes, 10, 64)
	require.NoError(t, err)
	return n << 10
}

func nested(levels int) types.AttributeValue {
	v := str("x")
	for range levels {
		v = &types.AttributeValueMemberL{Value: []types.AttributeValue{v}}
	}
	return v
}

// Input at AWS's limits is served, and beyond them refused in AWS's way; neither costs the
// server more than memory that it gives back.
func TestHostileInput(t *testing.T) {
	server := start(t, t.TempDir(), "")
	c := client(t, server.url)
	require.NoError(t, createTable(t.Context(), c))
	put := func(i item) error {
		_, err := c.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(table), Item: i})
		return err
	}
	of := func(bytes int) item { // "pk" and its value are 3, "x" is 1
		return item{"pk": str("h"), "x": str(strings.Repeat("x", bytes-4))}
	}
	update := func(expression string) error {
		_, err := c.UpdateItem(t.Context(), &ddb.UpdateItemInput{TableName: aws.String(table), Key: item{"pk": str("h")},
			UpdateExpression: aws.String("SET a = :v"), ConditionExpression: &expression, ExpressionAttributeValues: item{":v": num(1)}})
		return err
	}
	batch := func(count, size int) error {
		var requests []types.WriteRequest
		for i := range count {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{"pk": str(fmt.Sprintf("b%02d", i)), "x": str(strings.Repeat("x", size))}}})
		}
		_, err := c.BatchWriteItem(t.Context(), &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
		return err
	}
	const most = 400 << 10
	for _, try := range []struct {
		name, code string
		err        func() error
	}{
		{"an item of 400 KB", "", func() error { return put(of(most)) }},
		{"an item of 400 KB and a byte", "ValidationException", func() error { return put(of(most + 1)) }},
		{"32 levels", "", func() error { return put(item{"pk": str("h"), "x": nested(31)}) }},
		{"100 levels", "ValidationException", func() error { return put(item{"pk": str("h"), "x": nested(100)}) }},
		{"10,000 levels", "SerializationException", func() error { return put(item{"pk": str("h"), "x": nested(10_000)}) }},
		{"100 brackets", "*", func() error { return update(strings.Repeat("(", 100) + "a < :v" + strings.Repeat(")", 100)) }},
		{"100 negations", "*", func() error { return update(strings.Repeat("NOT ", 100) + "a = :v") }},
		{"1,000 terms", "ValidationException", func() error { return update("a = :v" + strings.Repeat(" OR a = :v", 1000)) }},
		{"a path of 100 steps", "ValidationException", func() error { return update("a" + strings.Repeat("[0]", 100) + " = :v") }},
		{"100,000 brackets", "ValidationException", func() error { return update(strings.Repeat("(", 100_000)) }},
		{"a batch of 25 items of 400 KB", "", func() error { return batch(25, most-8) }},
		{"a batch of 26", "ValidationException", func() error { return batch(26, 1) }},
		{"a body of 17 MB", "*", func() error { return batch(25, 17<<20/25) }},
	} {
		err := try.err()
		var answered smithy.APIError
		switch {
		case try.code == "":
			require.NoError(t, err, try.name)
		case try.code == "*": // done or refused, but answered
			require.True(t, err == nil || errors.As(err, &answered), "%s: %v", try.name, err)
		default:
			require.True(t, errors.As(err, &answered), "%s: %v", try.name, err)
			require.Equal(t, try.code, answered.ErrorCode(), "%s: %v", try.name, err)
		}
		require.NoError(t, put(item{"pk": str("h")}), "after %s", try.name)
	}
	require.Less(t, resident(t, server.Process.Pid), int64(1<<30))
}

// memoryOfAConnection is what a connection that says little may cost, in bytes.
const memoryOfAConnection = 40 << 10

// Thousands of connections that say little and promise much leave the service to others, and
// memory to the machine.
func TestManySlowConnections(t *testing.T) {
	count := times(500, 10_000)
	grown, most := slowConnections(t, count, ""), int64(0)
	for range 20 { // the last ones are still being read
		most = max(most, grown())
		time.Sleep(20 * time.Millisecond)
	}
	require.Less(t, most, int64(count)*memoryOfAConnection+64<<20)
	t.Logf("%d connections, half of them with a body of 16 MB announced: %d MB of memory", count, most>>20)
}

func TestManySlowConnectionsFindAServerThatTrustsThem(t *testing.T) {
	const count = 300
	grown := slowConnections(t, count, "trusted lengths")
	require.Eventually(t, func() bool { return grown() > count*memoryOfAConnection+64<<20 }, time.Minute, 10*time.Millisecond)
}

// slowConnections opens connections that never finish what they begin, with a client's writes
// among them, and returns what tells by how much the server's memory has grown.
func slowConnections(t *testing.T, count int, broken string) (grown func() int64) {
	t.Helper()
	server := start(t, t.TempDir(), broken)
	c := client(t, server.url)
	require.NoError(t, createTable(t.Context(), c))
	before := resident(t, server.Process.Pid)
	address := strings.TrimPrefix(server.url, "http://")
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
	signed := "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=" +
		strings.Repeat("0", 64) + "\r\nX-Amz-Date: 20260101T000000Z\r\nContent-Length: 16777216\r\n\r\n{\"TableName\":"
	var open []net.Conn
	t.Cleanup(func() {
		for _, connection := range open {
			_ = connection.Close()
		}
	})
	for i := range count {
		connection, err := net.DialTimeout("tcp", address, 10*time.Second)
		require.NoError(t, err, "connection %d", i)
		open = append(open, connection)
		text := head // half of a head, or all of it with the beginning of 16 MB
		if i%2 == 0 {
			text += signed
		}
		_, err = io.WriteString(connection, text)
		require.NoError(t, err)
		if i%100 == 0 {
			_, err := c.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(table), Item: item{"pk": str("x"), "n": num(i)}})
			require.NoError(t, err, "with %d connections", i)
		}
	}
	return func() int64 { return resident(t, server.Process.Pid) - before }
}
