"""Tables whose changes trigger functions, with boto3 and `aws` against a real server."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

RELAY = """
import json, os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    records = event["Records"]
    numbers = [int(each["dynamodb"]["NewImage"]["n"]["N"]) for each in records if "NewImage" in each["dynamodb"]]
    if 13 in numbers:
        raise ValueError("unlucky")
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    return {"state": {"count": event.get("state", {}).get("count", 0) + len(records)}}
"""


@pytest.fixture(scope="module")
def out(platform: "Platform") -> str:
    """The URL of a queue for what the function saw."""
    return str(platform.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex[:10]}")["QueueUrl"])


@pytest.fixture(scope="module")
def relay(platform: "Platform", out: str) -> str:
    """A function that sends its events to that queue, and fails on thirteen."""
    return platform.create(RELAY, Environment={"Variables": {"OUT": out}}, MemorySize=256)


def new_table(platform: "Platform") -> tuple[str, str]:
    """A table with a stream, and the stream's ARN."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    made = platform.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, made["TableDescription"]["LatestStreamArn"]


def put(platform: "Platform", table: str, *numbers: int) -> None:
    """Items with these numbers, and something that is new each time."""
    client = platform.client("dynamodb")
    for number in numbers:
        item = {"id": {"S": f"i{number}"}, "n": {"N": str(number)}, "new": {"S": uuid.uuid4().hex}}
        client.put_item(TableName=table, Item=item)


def follow(platform: "Platform", eventually: Any, stream: str, function: str, **parameters: Any) -> str:
    """The UUID of a mapping that is enabled."""
    lambda_ = platform.client("lambda")
    made = lambda_.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function, **({"StartingPosition": "TRIM_HORIZON"} | parameters)
    )
    eventually(lambda: lambda_.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    return str(made["UUID"])


def received(platform: "Platform", url: str, of: str = "") -> list[Any]:
    """What a queue holds, as JSON; deleted. Only what tells of the stream `of`, if it is given."""
    sqs, bodies = platform.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [json.loads(each["Body"]) for each in messages]
        entries = [{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return [body for body in bodies if of in json.dumps(body)]


def drop(platform: "Platform", eventually: Any, mapping: str) -> None:
    """Delete a mapping, and see it go."""
    lambda_ = platform.client("lambda")
    lambda_.delete_event_source_mapping(UUID=mapping)
    eventually(
        lambda: all(each["UUID"] != mapping for each in lambda_.list_event_source_mappings()["EventSourceMappings"])
    )


def test_a_change_of_an_item_runs_the_function_and_a_filter_keeps_others_away(
    platform: "Platform", eventually: Callable[..., Any], relay: str, out: str
) -> None:
    table, stream = new_table(platform)
    pattern = json.dumps({"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "i"}]}}}})
    put(platform, table, 1)
    made = platform.aws(
        "lambda", "create-event-source-mapping", "--function-name", relay, "--event-source-arn", stream,
        "--starting-position", "LATEST", "--filter-criteria", json.dumps({"Filters": [{"Pattern": pattern}]}),
    )  # fmt: skip
    lambda_ = platform.client("lambda")
    seen: list[Any] = []
    assert (made["State"], made["StateTransitionReason"]) == ("Creating", "User action")
    assert (made["BatchSize"], made["LastProcessingResult"]) == (100, "No records processed")
    assert (made["StartingPosition"], made["MaximumRetryAttempts"], made["MaximumRecordAgeInSeconds"]) == (
        "LATEST", -1, -1,
    )  # fmt: skip
    eventually(lambda: lambda_.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    put(platform, table, 2)
    platform.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "other"}, "n": {"N": "3"}})
    put(platform, table, 2, 4)
    platform.client("dynamodb").delete_item(TableName=table, Key={"id": {"S": "i2"}})

    def records() -> list[Any]:
        seen.extend(record for event in received(platform, out, stream) for record in event["Records"])
        return seen if len(seen) >= 3 else []

    found = [(each["eventName"], each["dynamodb"]["NewImage"]["n"]["N"]) for each in eventually(records)]
    assert found == [("INSERT", "2"), ("MODIFY", "2"), ("INSERT", "4")]
    eventually(lambda: lambda_.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "OK")
    drop(platform, eventually, made["UUID"])


def test_the_record_that_fails_is_found_and_told_to_a_queue_and_to_a_bucket(
    platform: "Platform", eventually: Callable[..., Any], relay: str, out: str
) -> None:
    """Lambda Developer Guide, "Retain discarded records for a DynamoDB event source"."""
    table, stream = new_table(platform)
    sqs, s3, bucket = platform.client("sqs"), platform.client("s3"), f"b-{uuid.uuid4().hex[:10]}"
    dead = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:10]}")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=bucket)
    put(platform, table, *range(10, 20))
    settings = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}
    mapping = follow(
        platform, eventually, stream, relay, DestinationConfig={"OnFailure": {"Destination": dead_arn}}, **settings
    )
    (told,) = eventually(lambda: received(platform, dead))
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    seen: set[str] = set()

    def all_others() -> bool:
        for event in received(platform, out, stream):
            seen.update(record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"])
        return len(seen) == 9

    eventually(all_others)
    assert "i13" not in seen
    lambda_ = platform.client("lambda")
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    lambda_.update_event_source_mapping(UUID=mapping, DestinationConfig=destination, BatchSize=1)
    eventually(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
    put(platform, table, 13)
    (entry,) = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
    assert entry["Key"].startswith(f"aws/lambda/{mapping}/shardId-")
    record = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
    assert json.loads(record["payload"])["Records"][0]["dynamodb"]["Keys"] == {"id": {"S": "i13"}}
    drop(platform, eventually, mapping)


def test_a_tumbling_window_ends_with_what_the_function_made_of_it(
    platform: "Platform", eventually: Callable[..., Any], relay: str, out: str
) -> None:
    table, stream = new_table(platform)
    mapping = follow(platform, eventually, stream, relay, TumblingWindowInSeconds=2, BatchSize=2)
    put(platform, table, *range(5))
    finals: list[Any] = []

    def total() -> bool:
        finals.extend(event for event in received(platform, out, stream) if event["isFinalInvokeForWindow"])
        return sum(int(event["state"]["count"]) for event in finals) == 5

    eventually(total)
    assert all(event["Records"] == [] and event["eventSourceARN"] == stream for event in finals)
    lambda_ = platform.client("lambda")
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    eventually(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Disabled")
    put(platform, table, 7)
    assert lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Disabled"
    lambda_.update_event_source_mapping(UUID=mapping, Enabled=True, TumblingWindowInSeconds=0)

    def seven() -> bool:
        events = received(platform, out, stream)
        return any(each["dynamodb"]["Keys"]["id"]["S"] == "i7" for event in events for each in event["Records"])

    eventually(seven)
    metrics = platform.client("cloudwatch")
    names = [{"Name": "FunctionName", "Value": relay}]
    eventually(
        lambda: metrics.list_metrics(Namespace="AWS/Lambda", MetricName="IteratorAge", Dimensions=names)["Metrics"]
    )
    drop(platform, eventually, mapping)


def test_what_a_mapping_of_a_stream_cannot_be_is_refused_in_the_words_of_aws(platform: "Platform", relay: str) -> None:
    """Behaviours section 21."""
    _, stream = new_table(platform)
    lambda_ = platform.client("lambda")

    def refusal(**parameters: Any) -> str:
        with pytest.raises(lambda_.exceptions.InvalidParameterValueException) as caught:
            lambda_.create_event_source_mapping(**({"EventSourceArn": stream, "FunctionName": relay} | parameters))
        return str(caught.value)

    assert "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null." in refusal()
    at_a_time = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}
    assert f"Unsupported starting position for arn type: {stream}" in refusal(**at_a_time)
    assert "Stream not found" in refusal(EventSourceArn=stream[:-1] + "x", StartingPosition="LATEST")
    made = lambda_.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=relay, StartingPosition="LATEST", Enabled=False
    )
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match="provided mapping already exists"):
        lambda_.create_event_source_mapping(EventSourceArn=stream, FunctionName=relay, StartingPosition="LATEST")
    lambda_.delete_event_source_mapping(UUID=made["UUID"])


def test_the_example_shows_what_changes_in_a_table_while_somebody_looks(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    folder, name = Path(__file__).parents[2] / "examples" / "live_dashboard", f"orders-{uuid.uuid4().hex[:8]}"
    common = ("--env", f"TOTALS_TABLE={name}-totals", "--data", platform.server.data)
    collect = (folder, "--name", f"{name}-totals", "--handler", "app.collect", "--table", name, "--timeout", "30")
    board = (folder, "--name", name, "--handler", "app.board", "--timeout", "300")
    for words in (collect, collect, board):
        done = platform.lambent("deploy", *words, *common)
        assert done.returncode == 0, done.stderr
    lambda_, table = platform.client("lambda"), platform.session().resource("dynamodb", endpoint_url=platform.endpoint)
    (mapping,) = lambda_.list_event_source_mappings(FunctionName=f"{name}-totals")["EventSourceMappings"]
    assert (mapping["BisectBatchOnFunctionError"], mapping["MaximumRetryAttempts"]) == (True, 5)
    made = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    url = f"{platform.endpoint}/_aws/lambda-url/{urlsplit(made['FunctionUrl']).netloc.partition('.')[0]}/"
    for number, action in enumerate(("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")):
        condition = {"FunctionUrlAuthType": "NONE"} if not number else {"InvokedViaFunctionUrl": True}
        lambda_.add_permission(
            FunctionName=name, StatementId=f"public-{number}", Principal="*", Action=action, **condition
        )
    with urllib.request.urlopen(url, timeout=120) as page:
        assert b"new EventSource" in page.read()
    orders = table.Table(name)
    with urllib.request.urlopen(f"{url}events", timeout=120) as events:

        def shown() -> Any:
            while not (line := events.readline()).startswith(b"data: "):
                assert line, "the stream has ended"
            return json.loads(line[6:])

        assert shown() == {}
        orders.put_item(Item={"id": "o-1", "state": "open", "price": 9})
        assert shown() == {"open": {"orders": 1, "worth": 9}}
        orders.put_item(Item={"id": "o-1", "state": "paid", "price": 9})
        assert shown() == {"paid": {"orders": 1, "worth": 9}}
