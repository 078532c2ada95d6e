"""CloudWatch metrics of functions and queues, and those that users put, with boto3 and the real `aws`."""

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

SOURCE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no")
    return "ok"
"""


def window() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=2)}


def sum_of(client: Any, metric: str, dimensions: dict[str, str], namespace: str = "AWS/Lambda") -> float:
    answer = client.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        Period=3600,
        Statistics=["Sum"],
        **window(),
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def test_every_invocation_is_counted_once_it_was_answered(platform: Any) -> None:
    name = platform.create(SOURCE)
    lambda_, cloudwatch = platform.client("lambda"), platform.client("cloudwatch")
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    for payload in (b"{}", b"{}", b'{"fail": true}'):
        lambda_.invoke(FunctionName=name, Payload=payload)
    lambda_.invoke(FunctionName=f"{name}:live")
    assert sum_of(cloudwatch, "Invocations", {"FunctionName": name}) == 4
    assert sum_of(cloudwatch, "Errors", {"FunctionName": name}) == 1
    assert sum_of(cloudwatch, "Throttles", {"FunctionName": name}) == 0
    assert sum_of(cloudwatch, "Invocations", {"FunctionName": name, "Resource": name}) == 3
    by_alias = {"FunctionName": name, "Resource": f"{name}:live"}
    assert sum_of(cloudwatch, "Invocations", by_alias) == 1
    assert sum_of(cloudwatch, "Invocations", by_alias | {"ExecutedVersion": version}) == 1
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        lambda_.invoke(FunctionName=name)
    assert sum_of(cloudwatch, "Throttles", {"FunctionName": name}) == 1
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "errors", "MetricStat": stat("Errors", name, "Sum"), "ReturnData": False},
            {"Id": "all", "MetricStat": stat("Invocations", name, "Sum"), "ReturnData": False},
            {"Id": "rate", "Expression": "100 * errors / all"},
            {"Id": "slowest", "MetricStat": stat("Duration", name, "p99")},
            {"Id": "busy", "MetricStat": stat("ConcurrentExecutions", name, "Maximum")},
        ],
        **window(),
    )
    results = {each["Id"]: each["Values"] for each in answer["MetricDataResults"]}
    assert results["rate"] == [25.0]
    assert results["slowest"][0] > 0
    assert results["busy"] == [1.0]
    text = urllib.request.urlopen(f"{platform.endpoint}/_lambent/metrics").read().decode()
    counted = re.search(rf'lambent_function_invocations_total{{.*function="{name}".*}} (\S+)', text)
    assert counted is not None
    assert float(counted[1]) == 4
    assert f'function="{name}",le="+Inf"' in text


def test_each_invocation_counts_once_although_control_is_killed(
    own_server: Callable[..., Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    platform = own_server("--edges", "2")
    name = platform.create(SOURCE)
    lambda_, answered = platform.client("lambda"), 0
    for number in range(120):
        if number % 60 == 30:
            status = json.loads(eventually(lambda: platform.lambent("status", "--format", "json").stdout))
            os.kill(status["parts"]["control"]["pid"], signal.SIGKILL)
        lambda_.invoke(FunctionName=name)
        lambda_.close()  # the next one is on a connection of its own, which either edge may accept
        answered += 1
    cloudwatch = platform.client("cloudwatch")

    def counted() -> float | None:
        try:
            return sum_of(cloudwatch, "Invocations", {"FunctionName": name})
        except ClientError:  # control is not back yet
            return None

    assert eventually(counted) == answered


def stat(metric: str, function: str, which: str) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    metric_ = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Metric": metric_, "Period": 86_400, "Stat": which}  # one value, also when an hour ends meanwhile


def test_a_queue_tells_what_went_through_it(platform: Any, eventually: Callable[[Callable[[], Any]], Any]) -> None:
    sqs, cloudwatch = platform.client("sqs"), platform.client("cloudwatch")
    name = f"counted-{time.time_ns()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "hello"} for n in range(3)])
    taken = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=taken["ReceiptHandle"])
    where = {"QueueName": name}
    assert sum_of(cloudwatch, "NumberOfMessagesSent", where, "AWS/SQS") == 3
    assert sum_of(cloudwatch, "NumberOfMessagesReceived", where, "AWS/SQS") == 1
    assert sum_of(cloudwatch, "NumberOfMessagesDeleted", where, "AWS/SQS") == 1
    assert sum_of(cloudwatch, "SentMessageSize", where, "AWS/SQS") == 15


def test_what_a_user_puts_is_found_again_with_both_tools_and_paginators(platform: Any) -> None:
    cloudwatch = platform.client("cloudwatch")
    space, now = f"Shop/{time.time_ns()}", datetime.now(UTC)
    names = [f"orders-{number:04d}" for number in range(600)]
    data = [{"MetricName": name, "Value": 1.5, "Timestamp": now, "Unit": "Count"} for name in names]
    cloudwatch.put_metric_data(Namespace=space, MetricData=data)  # large enough for boto3 to compress it
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=space, RecentlyActive="PT3H")
    assert sorted(each["MetricName"] for each in pages.search("Metrics[]")) == names
    latency = {"MetricName": "latency", "Dimensions": [{"Name": "Shop", "Value": "north"}], "Unit": "Milliseconds"}
    spread = json.dumps([latency | {"Values": [1, 2, 3, 100]}])
    platform.aws("cloudwatch", "put-metric-data", "--namespace", space, "--metric-data", spread)
    shown = platform.aws("cloudwatch", "list-metrics", "--namespace", space, "--dimensions", "Name=Shop")
    assert [each["MetricName"] for each in shown["Metrics"]] == ["latency"]
    found = platform.aws(
        "cloudwatch", "get-metric-statistics", "--namespace", space, "--metric-name", "latency",
        "--dimensions", "Name=Shop,Value=north", "--period", "60", "--statistics", "Maximum", "SampleCount",
        "--start-time", (now - timedelta(minutes=5)).isoformat(),
        "--end-time", (now + timedelta(minutes=5)).isoformat(),
    )["Datapoints"]  # fmt: skip
    assert (found[0]["Maximum"], found[0]["SampleCount"], found[0]["Unit"]) == (100.0, 4.0, "Milliseconds")
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": space, "MetricName": names[number]}, "Period": 60, "Stat": "Average",
            },
        }
        for number in range(5)
    ]  # fmt: skip
    data_pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, PaginationConfig={"PageSize": 2}, **window()
    )
    assert list(data_pages.search("MetricDataResults[].Values[]")) == [1.5] * 5


def test_bad_input_and_what_is_left_out_are_refused_by_name(platform: Any) -> None:
    cloudwatch = platform.client("cloudwatch")
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "x", "Value": 1}])
    with pytest.raises(cloudwatch.exceptions.MissingRequiredParameterException):
        cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "x"}])
    with pytest.raises(ClientError, match="SEARCH is not implemented"):
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "SEARCH('x', 'Sum')"}], **window())
    for refused in ("describe_alarms", "list_dashboards", "describe_anomaly_detectors"):
        with pytest.raises(ClientError, match="NotImplemented"):
            getattr(cloudwatch, refused)()
