package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tableName is the one table of the benchmark: partition key pk, sort key sk, no indexes.
const tableName = "items"

// The shape of the preloaded table: items of about 1 KB, 64 of them under a partition key.
const (
	itemBytes    = 1000
	partItems    = 64
	smallBytes   = 300
	batchItems   = 25
	transactSize = 100
)

// partitions is how many partition keys a table of that many bytes has.
func partitions(bytes int64) int { return max(1, int(bytes/(itemBytes*partItems))) }

// row is one line of the benchmark.
type row struct {
	name   string
	items  int    // of one call
	calls  int    // prepared; a server that is slow is given fewer
	marker string // what a right answer holds; "" is anything
	target target
	once   bool // a server knows a request again: it carries a token
	call   func(ctx context.Context, c *dynamodb.Client, g *generator) error
}

// target is what a row is to cost: an item at most that many microseconds of server CPU, or that
// share of the cheapest peer's. Zero is no such target.
type target struct {
	micros float64
	ofPeer float64
}

// rows are all lines, with the targets of the service.
var rows = []row{
	{"BatchWriteItem (25 items of 300 B)", batchItems, 6000, `"UnprocessedItems":{}`, target{micros: 15}, false, batchWrite},
	{"TransactWriteItems (100 of 300 B)", transactSize, 1000, "", target{micros: 20}, true, transactWrite},
	{"PutItem (1 KB)", 1, 20000, "", target{ofPeer: 0.6}, false, putItem},
	{"UpdateItem (1 KB)", 1, 20000, "", target{ofPeer: 0.6}, false, updateItem},
	{"GetItem (1 KB)", 1, 20000, `"Item":{`, target{ofPeer: 1}, false, getItem},
	{"Query (20 of 1 KB)", 1, 8000, `"Count":20`, target{ofPeer: 0.4}, false, query},
}

// generator draws the items of requests.
type generator struct {
	rng        *rand.Rand
	partitions int // loaded
	client     int // that will send the request
	serial     int // of the request
}

func partitionKey(i int) string { return fmt.Sprintf("T#t%07d#E#2026112712", i) }
func sortKey(i int) string      { return fmt.Sprintf("34#orders/2026/11/27/12/%08d#1#0", i) }

// loaded is the key of some item that was loaded.
func (g *generator) loaded() item {
	return key(partitionKey(g.rng.IntN(g.partitions)), sortKey(g.rng.IntN(partItems)))
}

// fresh is a new key under some loaded partition key.
func (g *generator) fresh() item {
	return key(partitionKey(g.rng.IntN(g.partitions)), sortKey(partItems+g.rng.IntN(1<<26)))
}

type item = map[string]types.AttributeValue

func key(pk, sk string) item {
	return item{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// fill gives an item its other attributes, so that it weighs the given bytes. They cannot be
// compressed.
func fill(it item, rng *rand.Rand, bytes int) item {
	block := make([]byte, bytes-100)
	for rest := block; len(rest) > 0; {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], rng.Uint64())
		rest = rest[copy(rest, word[:]):]
	}
	it["codec"] = &types.AttributeValueMemberN{Value: "1"}
	it["count"] = &types.AttributeValueMemberN{Value: strconv.Itoa(rng.IntN(500))}
	it["block"] = &types.AttributeValueMemberB{Value: block}
	return it
}

func batchWrite(ctx context.Context, c *dynamodb.Client, g *generator) error {
	puts := make([]types.WriteRequest, batchItems)
	for i := range puts {
		puts[i].PutRequest = &types.PutRequest{Item: fill(g.fresh(), g.rng, smallBytes)}
	}
	_, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tableName: puts}})
	return err
}

// transactWrite replaces, as roll-ups are replaced, one of eight sets of items that belong to
// the client, on condition that they are as they were or not there.
func transactWrite(ctx context.Context, c *dynamodb.Client, g *generator) error {
	set := g.client*8 + g.rng.IntN(8)
	puts := make([]types.TransactWriteItem, transactSize)
	for i := range puts {
		puts[i].Put = &types.Put{
			TableName:                 aws.String(tableName),
			Item:                      fill(key(fmt.Sprintf("T#t%04d#R#1m#20261127", i), fmt.Sprintf("12:%06d", set)), g.rng, smallBytes),
			ConditionExpression:       aws.String("attribute_not_exists(pk) OR codec = :g"),
			ExpressionAttributeValues: item{":g": &types.AttributeValueMemberN{Value: "1"}},
		}
	}
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: puts})
	return err
}

func putItem(ctx context.Context, c *dynamodb.Client, g *generator) error {
	_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: fill(g.loaded(), g.rng, itemBytes)})
	return err
}

func updateItem(ctx context.Context, c *dynamodb.Client, g *generator) error {
	_, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(tableName), Key: g.loaded(),
		UpdateExpression:         aws.String("SET #n = if_not_exists(#n, :z) + :o"),
		ExpressionAttributeNames: map[string]string{"#n": "seen"},
		ExpressionAttributeValues: item{
			":z": &types.AttributeValueMemberN{Value: "0"}, ":o": &types.AttributeValueMemberN{Value: "1"},
		},
	})
	return err
}

func getItem(ctx context.Context, c *dynamodb.Client, g *generator) error {
	_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: g.loaded()})
	return err
}

func query(ctx context.Context, c *dynamodb.Client, g *generator) error {
	_, err := c.Query(ctx, &dynamodb.QueryInput{
		TableName:              aws.String(tableName),
		KeyConditionExpression: aws.String("pk = :p AND sk >= :s"),
		ExpressionAttributeValues: item{
			":p": &types.AttributeValueMemberS{Value: partitionKey(g.rng.IntN(g.partitions))},
			":s": &types.AttributeValueMemberS{Value: sortKey(g.rng.IntN(partItems - 20))},
		},
		Limit: aws.Int32(20),
	})
	return err
}
