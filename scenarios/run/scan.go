package run

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/store"
)

type row = map[string]types.AttributeValue

// scanSegments is how many parts of a table are read at once.
const scanSegments = 4

// scan reads a whole table consistently and gives each page to take, one page at a time for a
// segment but concurrently between segments.
func scan(ctx context.Context, db *dynamodb.Client, table string, take func(segment int, rows []row) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for segment := range scanSegments {
		g.Go(func() error {
			in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true),
				Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(scanSegments)}
			for {
				out, err := db.Scan(ctx, in)
				if err != nil {
					return fmt.Errorf("scan %s, segment %d: %w", table, segment, err)
				}
				if err := take(segment, out.Items); err != nil {
					return err
				}
				if len(out.LastEvaluatedKey) == 0 {
					return nil
				}
				in.ExclusiveStartKey = out.LastEvaluatedKey
			}
		})
	}
	return g.Wait()
}

// markers counts the dirty markers that roll-up passes have yet to work off: of minutes all, of
// hours and days those whose bucket ended long enough ago to be computed.
func markers(ctx context.Context, db *dynamodb.Client, table string, due func(store.Marker) bool) (int, error) {
	count := 0
	for shard := range store.MarkerShards {
		in := &dynamodb.QueryInput{TableName: &table, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: store.MarkerPK(shard)}}}
		for {
			out, err := db.Query(ctx, in)
			if err != nil {
				return 0, fmt.Errorf("read markers of shard %d: %w", shard, err)
			}
			for _, item := range out.Items {
				marker, err := store.ParseMarker(item)
				if err != nil {
					return 0, fmt.Errorf("read markers of shard %d: %w", shard, err)
				}
				if due(marker) {
					count++
				}
			}
			if len(out.LastEvaluatedKey) == 0 {
				break
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
	return count, nil
}
