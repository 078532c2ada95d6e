"""Destinations and dead-letter queues that are not there, or not any more, on a real server.

Source: Lambda Developer Guide, "Retaining records of asynchronous invocations" and "Adding a dead-letter queue"
(DestinationDeliveryFailures, DeadLetterErrors); the refusal in the words of recordings.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

FAILS = "def handler(event, context):\n    raise ValueError('as asked')\n"
PLACE = "us-east-1:000000000000"


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    return str(caught.value.response["Error"]["Message"])


def made(platform: "Platform") -> dict[str, str]:
    """The ARNs of one of each kind that is there."""
    name = f"there-{uuid.uuid4().hex[:12]}"
    sqs, sns = platform.client("sqs"), platform.client("sns")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    platform.client("s3").create_bucket(Bucket=name)
    return {
        "sqs": sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"],
        "sns": sns.create_topic(Name=name)["TopicArn"],
        "events": platform.client("events").create_event_bus(Name=name)["EventBusArn"],
        "s3": f"arn:aws:s3:::{name}",
    }


def test_what_is_there_is_taken_and_what_is_not_is_refused(platform: "Platform") -> None:
    lambda_, name, there = platform.client("lambda"), platform.create(FAILS), made(platform)
    default_bus = f"arn:aws:events:{PLACE}:event-bus/default"
    for arn in [*there.values(), default_bus]:
        config = {"OnFailure": {"Destination": arn}}
        lambda_.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
        wrong = {"OnFailure": {"Destination": f"{arn}-gone"}}
        said = refusal(lambda_.put_function_event_invoke_config, FunctionName=name, DestinationConfig=wrong)
        assert said == f"The destination ARN {arn}-gone is invalid."
        kept = lambda_.get_function_event_invoke_config(FunctionName=name)["DestinationConfig"]["OnFailure"]
        assert kept == {"Destination": arn}
    for kind in ("sqs", "sns"):
        letters = {"TargetArn": there[kind]}
        changed = lambda_.update_function_configuration(FunctionName=name, DeadLetterConfig=letters)
        assert changed["DeadLetterConfig"] == letters
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        gone = {"TargetArn": f"{there[kind]}-gone"}
        said = refusal(lambda_.update_function_configuration, FunctionName=name, DeadLetterConfig=gone)
        assert gone["TargetArn"] in said


def test_what_is_deleted_later_is_counted_when_it_is_missed(platform: "Platform", eventually: Any) -> None:
    lambda_, name, there = platform.client("lambda"), platform.create(FAILS), made(platform)
    sqs = platform.client("sqs")
    lambda_.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": there["sqs"]})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    config = {"OnFailure": {"Destination": there["sns"]}}
    lambda_.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, DestinationConfig=config)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=there["sqs"].split(":")[-1])["QueueUrl"])
    platform.client("sns").delete_topic(TopicArn=there["sns"])
    lambda_.invoke(FunctionName=name, InvocationType="Event")
    for metric in ("DestinationDeliveryFailures", "DeadLetterErrors"):
        assert eventually(lambda metric=metric: counted(platform, name, metric)) == 1
    # What changes nothing about them goes on being possible.
    lambda_.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    lambda_.update_function_configuration(FunctionName=name, Timeout=31)


def counted(platform: "Platform", name: str, metric: str) -> float:
    """The sum of a metric of one function in the last hour."""
    now = datetime.now(UTC)
    points = platform.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))
