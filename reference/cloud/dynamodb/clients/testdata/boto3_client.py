"""What users of boto3 do, against the endpoint in the first argument."""
import decimal
import sys
import time
import unittest

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv.pop(1)
CONFIG = Config(retries={"max_attempts": 0})
resource = boto3.resource("dynamodb", endpoint_url=ENDPOINT, config=CONFIG)
client = boto3.client("dynamodb", endpoint_url=ENDPOINT, config=CONFIG)
streams = boto3.client("dynamodbstreams", endpoint_url=ENDPOINT, config=CONFIG)


def make(name, **more):
    table = resource.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byG",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
            }
        ],
        **more,
    )
    table.wait_until_exists()
    return table


class Boto3(unittest.TestCase):
    def setUp(self):
        self.table = make(self.id().rsplit(".", 1)[-1])
        self.addCleanup(self.table.delete)

    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        return caught.exception.response

    def test_items_of_every_type(self):
        item = {
            "pk": "a", "sk": decimal.Decimal("1"), "s": "snow ☃ \u0000 \U0001f40e", "empty": "",
            "n": decimal.Decimal("-1.2345678901234567890123456789012345678"), "small": decimal.Decimal("1E-130"),
            "b": Binary(b"\x00\xff"), "t": True, "f": False, "nothing": None,
            "l": [1, "two", [3, {"four": 4}], []], "m": {"a": {"b": {"c": []}}, "": ""},
            "ss": {"a", "b"}, "ns": {decimal.Decimal("1"), decimal.Decimal("2.5")}, "bs": {Binary(b"1"), Binary(b"2")},
        }
        self.table.put_item(Item=item)
        got = self.table.get_item(Key={"pk": "a", "sk": 1}, ConsistentRead=True)["Item"]
        self.assertEqual(got, item)
        self.refused("ValidationException", self.table.put_item, Item={"pk": "a"})

    def test_queries_and_paginators(self):
        with self.table.batch_writer() as batch:  # more than a request takes
            for n in range(60):
                batch.put_item(Item={"pk": "p", "sk": n, "g": "g%d" % (n % 2), "x": n, "y": n})
        found = self.table.query(KeyConditionExpression=Key("pk").eq("p") & Key("sk").between(10, 19), ScanIndexForward=False)
        self.assertEqual([int(i["sk"]) for i in found["Items"]], list(range(19, 9, -1)))
        found = self.table.query(IndexName="byG", KeyConditionExpression=Key("g").eq("g1") & Key("sk").gt(50), FilterExpression=Attr("x").ne(53))
        self.assertEqual([int(i["sk"]) for i in found["Items"]], [51, 55, 57, 59])
        self.assertNotIn("y", found["Items"][0])
        pages = list(client.get_paginator("query").paginate(
            TableName=self.table.name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}}, PaginationConfig={"PageSize": 25}))
        self.assertEqual([p["Count"] for p in pages], [25, 25, 10])
        segments = [
            i for s in range(4) for p in client.get_paginator("scan").paginate(TableName=self.table.name, Segment=s, TotalSegments=4, PaginationConfig={"PageSize": 7})
            for i in p["Items"]]
        self.assertEqual(sorted(int(i["sk"]["N"]) for i in segments), list(range(60)))
        got = client.batch_get_item(RequestItems={self.table.name: {"Keys": [{"pk": {"S": "p"}, "sk": {"N": str(n)}} for n in range(100)]}})
        self.assertEqual(len(got["Responses"][self.table.name]), 60)
        self.assertEqual(got["UnprocessedKeys"], {})

    def test_updates_and_conditions(self):
        key = {"pk": "a", "sk": 1}
        out = self.table.update_item(
            Key=key, UpdateExpression="SET #l = list_append(if_not_exists(#l, :none), :x) ADD n :one", ReturnValues="ALL_NEW",
            ExpressionAttributeNames={"#l": "list"}, ExpressionAttributeValues={":none": [], ":x": ["x"], ":one": 1})
        self.assertEqual(out["Attributes"], {"pk": "a", "sk": 1, "list": ["x"], "n": 1})
        wish = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if not wish.keys() & client.meta.service_model.operation_model("PutItem").input_shape.members.keys():
            wish = {}  # a boto3 of before June 2023 cannot say it
        answer = self.refused("ConditionalCheckFailedException", self.table.put_item, Item=key, ConditionExpression=Attr("pk").not_exists(), **wish)
        self.assertEqual(answer["Error"]["Message"], "The conditional request failed")
        self.assertEqual(answer.get("Item", {}).get("n"), {"N": "1"} if wish else None)
        answer = self.refused("ValidationException", self.table.update_item, Key=key, UpdateExpression="SET n = :absent")
        self.assertEqual(answer["Error"]["Message"],
                         "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :absent")
        out = self.table.delete_item(Key=key, ReturnValues="ALL_OLD", ReturnConsumedCapacity="TOTAL")
        self.assertEqual(out["Attributes"]["list"], ["x"])
        self.assertEqual(out["ConsumedCapacity"]["CapacityUnits"], 1.0)

    def test_transactions(self):
        put = lambda sk, **more: {"Put": {"TableName": self.table.name, "Item": {"pk": {"S": "t"}, "sk": {"N": str(sk)}}, **more}}
        client.transact_write_items(TransactItems=[put(1), put(2)], ClientRequestToken="once")
        client.transact_write_items(TransactItems=[put(1), put(2)], ClientRequestToken="once")
        self.refused("IdempotentParameterMismatchException", client.transact_write_items, TransactItems=[put(3)], ClientRequestToken="once")
        answer = self.refused("TransactionCanceledException", client.transact_write_items,
                              TransactItems=[put(3), put(1, ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")])
        self.assertEqual(answer["Error"]["Message"],
                         "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]")
        none, failed = answer["CancellationReasons"]
        self.assertEqual(none, {"Code": "None"})
        self.assertEqual((failed["Code"], failed["Message"], failed["Item"]["sk"]), ("ConditionalCheckFailed", "The conditional request failed", {"N": "1"}))
        got = client.transact_get_items(TransactItems=[{"Get": {"TableName": self.table.name, "Key": {"pk": {"S": "t"}, "sk": {"N": str(n)}}}} for n in (1, 3)])
        self.assertEqual([r.get("Item", {}).get("sk") for r in got["Responses"]], [{"N": "1"}, None])

    def test_tags_and_time_to_live(self):
        arn = self.table.table_arn
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": "env", "Value": "test"}, {"Key": "gone", "Value": ""}])
        client.untag_resource(ResourceArn=arn, TagKeys=["gone"])
        pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
        self.assertEqual([t for p in pages for t in p["Tags"]], [{"Key": "env", "Value": "test"}])
        on = {"Enabled": True, "AttributeName": "ttl"}
        self.table.put_item(Item={"pk": "old", "sk": 1, "ttl": int(time.time()) - 10})
        self.assertEqual(client.update_time_to_live(TableName=self.table.name, TimeToLiveSpecification=on)["TimeToLiveSpecification"], on)
        answer = self.refused("ValidationException", client.update_time_to_live, TableName=self.table.name, TimeToLiveSpecification=on)
        self.assertEqual(answer["Error"]["Message"], "TimeToLive is already enabled")
        end = time.monotonic() + 30
        while "Item" in self.table.get_item(Key={"pk": "old", "sk": 1}):
            self.assertLess(time.monotonic(), end, "an expired item stays")
            time.sleep(0.02)

    def test_streams(self):
        client.update_table(TableName=self.table.name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        self.table.reload()
        self.table.put_item(Item={"pk": "a", "sk": 1, "b": Binary(b"\x01")})
        self.table.put_item(Item={"pk": "a", "sk": 1, "b": Binary(b"\x02")})
        self.table.delete_item(Key={"pk": "a", "sk": 1})
        shards = streams.describe_stream(StreamArn=self.table.latest_stream_arn)["StreamDescription"]["Shards"]
        it = streams.get_shard_iterator(StreamArn=self.table.latest_stream_arn, ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=it["ShardIterator"])["Records"]
        self.assertEqual([r["eventName"] for r in records], ["INSERT", "MODIFY", "REMOVE"])
        self.assertEqual(records[1]["dynamodb"]["OldImage"]["b"], {"B": b"\x01"})
        self.assertEqual(records[1]["dynamodb"]["NewImage"]["b"], {"B": b"\x02"})
        self.assertEqual(records[2]["dynamodb"]["Keys"], {"pk": {"S": "a"}, "sk": {"N": "1"}})
        self.assertEqual(records[0]["dynamodb"]["ApproximateCreationDateTime"].year, time.gmtime().tm_year)
        self.refused("ResourceNotFoundException", streams.describe_stream, StreamArn=self.table.latest_stream_arn + "0")


if __name__ == "__main__":
    unittest.main()
