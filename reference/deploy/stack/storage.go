package stack

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	fh "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store"
)

// Warm throughput for the 20x peak, in units a second. Without it an on-demand table starts
// at 4,000 writes (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html).
const (
	warmReads  = 24_000
	warmWrites = 16_000
)

func (d *deployment) tables(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, table := range []string{CoreTable, AnalyticsTable} {
		g.Go(func() error {
			in := &dynamodb.CreateTableInput{
				TableName:   &table,
				BillingMode: ddb.BillingModePayPerRequest,
				AttributeDefinitions: []ddb.AttributeDefinition{
					{AttributeName: aws.String("pk"), AttributeType: ddb.ScalarAttributeTypeS},
					{AttributeName: aws.String("sk"), AttributeType: ddb.ScalarAttributeTypeS},
				},
				KeySchema: []ddb.KeySchemaElement{
					{AttributeName: aws.String("pk"), KeyType: ddb.KeyTypeHash},
					{AttributeName: aws.String("sk"), KeyType: ddb.KeyTypeRange},
				},
				WarmThroughput: &ddb.WarmThroughput{ReadUnitsPerSecond: aws.Int64(warmReads), WriteUnitsPerSecond: aws.Int64(warmWrites)},
			}
			if table == CoreTable {
				// Sparse: only items that carry the index's keys are in it.
				for _, index := range []string{"gsi1", "gsi2"} {
					for _, key := range []string{index + "pk", index + "sk"} {
						in.AttributeDefinitions = append(in.AttributeDefinitions, ddb.AttributeDefinition{
							AttributeName: aws.String(key), AttributeType: ddb.ScalarAttributeTypeS})
					}
					in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, ddb.GlobalSecondaryIndex{
						IndexName: aws.String(index),
						KeySchema: []ddb.KeySchemaElement{
							{AttributeName: aws.String(index + "pk"), KeyType: ddb.KeyTypeHash},
							{AttributeName: aws.String(index + "sk"), KeyType: ddb.KeyTypeRange},
						},
						Projection:     &ddb.Projection{ProjectionType: ddb.ProjectionTypeAll},
						WarmThroughput: &ddb.WarmThroughput{ReadUnitsPerSecond: aws.Int64(warmReads), WriteUnitsPerSecond: aws.Int64(warmWrites)},
					})
				}
			}
			_, err := d.clients.DynamoDB.CreateTable(ctx, in)
			if err := unlessExists(err, "ResourceInUseException"); err != nil {
				return named("create table", table, err)
			}
			wait := dynamodb.NewTableExistsWaiter(d.clients.DynamoDB, func(o *dynamodb.TableExistsWaiterOptions) {
				o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
			})
			out, err := wait.WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: &table}, 30*time.Second)
			if err != nil {
				return named("wait for table", table, err)
			}
			return d.warm(ctx, out.Table)
		})
	}
	return g.Wait()
}

// warm raises a table's warm throughput, and that of its indexes; it is never lowered
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html).
func (d *deployment) warm(ctx context.Context, table *ddb.TableDescription) error {
	wanted := &ddb.WarmThroughput{ReadUnitsPerSecond: aws.Int64(warmReads), WriteUnitsPerSecond: aws.Int64(warmWrites)}
	in := &dynamodb.UpdateTableInput{TableName: table.TableName}
	if w := table.WarmThroughput; w != nil && (aws.ToInt64(w.ReadUnitsPerSecond) < warmReads || aws.ToInt64(w.WriteUnitsPerSecond) < warmWrites) {
		in.WarmThroughput = wanted
	}
	for _, index := range table.GlobalSecondaryIndexes {
		if w := index.WarmThroughput; w != nil && (aws.ToInt64(w.ReadUnitsPerSecond) < warmReads || aws.ToInt64(w.WriteUnitsPerSecond) < warmWrites) {
			in.GlobalSecondaryIndexUpdates = append(in.GlobalSecondaryIndexUpdates, ddb.GlobalSecondaryIndexUpdate{
				Update: &ddb.UpdateGlobalSecondaryIndexAction{IndexName: index.IndexName, WarmThroughput: wanted}})
		}
	}
	if in.WarmThroughput == nil && in.GlobalSecondaryIndexUpdates == nil {
		return nil
	}
	_, err := d.clients.DynamoDB.UpdateTable(ctx, in)
	return named("warm table", *table.TableName, err)
}

func (d *deployment) bucketAndStreams(ctx context.Context) error {
	_, err := d.clients.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(RawBucket)})
	if err := unlessExists(err, "BucketAlreadyOwnedByYou", "BucketAlreadyExists"); err != nil {
		return named("create bucket", RawBucket, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, stream := range api.Streams {
		g.Go(func() error {
			name := StreamName(stream)
			hints := &fh.BufferingHints{
				IntervalInSeconds: aws.Int32(int32(d.cfg.BufferInterval / time.Second)),
				SizeInMBs:         aws.Int32(int32(max(1, (d.cfg.BufferBytes+500_000)/1_000_000))),
			}
			_, err := d.clients.Firehose.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
				DeliveryStreamName: &name,
				DeliveryStreamType: fh.DeliveryStreamTypeDirectPut,
				ExtendedS3DestinationConfiguration: &fh.ExtendedS3DestinationConfiguration{
					BucketARN:      aws.String("arn:aws:s3:::" + RawBucket),
					RoleARN:        aws.String(RoleARN()),
					Prefix:         aws.String(string(stream) + "/"),
					BufferingHints: hints,
				},
			})
			if exists(err, "ResourceInUseException") {
				return d.retune(ctx, name, hints)
			}
			return named("create stream", name, err)
		})
	}
	return g.Wait()
}

// retune gives an existing stream other buffering hints if it has not got these.
func (d *deployment) retune(ctx context.Context, name string, hints *fh.BufferingHints) error {
	out, err := d.clients.Firehose.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
	if err != nil {
		return named("describe stream", name, err)
	}
	stream := out.DeliveryStreamDescription
	for _, destination := range stream.Destinations {
		s3 := destination.ExtendedS3DestinationDescription
		if s3 == nil {
			continue
		}
		if h := s3.BufferingHints; h != nil && aws.ToInt32(h.IntervalInSeconds) == *hints.IntervalInSeconds && aws.ToInt32(h.SizeInMBs) == *hints.SizeInMBs {
			return nil
		}
		_, err := d.clients.Firehose.UpdateDestination(ctx, &firehose.UpdateDestinationInput{
			DeliveryStreamName: &name, CurrentDeliveryStreamVersionId: stream.VersionId, DestinationId: destination.DestinationId,
			ExtendedS3DestinationUpdate: &fh.ExtendedS3DestinationUpdate{BufferingHints: hints}})
		return named("update stream", name, err)
	}
	return named("update stream", name, errors.New("it does not deliver to S3"))
}

func (d *deployment) queues(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, stream := range api.Streams {
		g.Go(func() error {
			dlq := DeadLetterQueue(stream)
			if err := d.queue(ctx, dlq, map[string]string{"MessageRetentionPeriod": "1209600"}); err != nil {
				return err
			}
			// AWS asks for a visibility timeout of six times the function's
			// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
			return d.queue(ctx, ProcessName(stream), map[string]string{
				"VisibilityTimeout": "360",
				"RedrivePolicy":     `{"deadLetterTargetArn":"` + QueueARN(dlq) + `","maxReceiveCount":"` + digits(maxReceives) + `"}`,
			})
		})
	}
	return g.Wait()
}

// queue creates a queue or gives an existing one these attributes; creating it again as it is
// succeeds.
func (d *deployment) queue(ctx context.Context, name string, attributes map[string]string) error {
	_, err := d.clients.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if !exists(err, "QueueNameExists", "QueueAlreadyExists") {
		return named("create queue", name, err)
	}
	found, err := d.clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return named("find queue", name, err)
	}
	_, err = d.clients.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: found.QueueUrl, Attributes: attributes})
	return named("change queue", name, err)
}

// seedTenants writes the tenants' items, 25 a call, a few calls at a time.
func (d *deployment) seedTenants(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for start := 0; start < len(d.cfg.Tenants); start += 25 {
		batch := d.cfg.Tenants[start:min(start+25, len(d.cfg.Tenants))]
		g.Go(func() error {
			requests := make([]ddb.WriteRequest, len(batch))
			for i, t := range batch {
				requests[i] = ddb.WriteRequest{PutRequest: &ddb.PutRequest{Item: tenantItem(t)}}
			}
			for attempt := 0; len(requests) > 0; attempt++ {
				out, err := d.clients.DynamoDB.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
					RequestItems: map[string][]ddb.WriteRequest{CoreTable: requests}})
				if err != nil {
					return named("seed tenants from", batch[0].ID, err)
				}
				requests = out.UnprocessedItems[CoreTable]
				if len(requests) == 0 {
					break
				}
				select {
				case <-ctx.Done():
					return named("seed tenants from", batch[0].ID, ctx.Err())
				case <-time.After(time.Duration(min(attempt+1, 10)) * 50 * time.Millisecond):
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// tenantItem is the META item of a tenant.
func tenantItem(t Tenant) map[string]ddb.AttributeValue {
	return store.Tenant{ID: t.ID, Name: t.Name, Plan: t.Plan, Zone: t.Zone, Currency: t.Currency,
		Platform: t.Platform, WebhookSecret: t.WebhookSecret}.Item()
}
