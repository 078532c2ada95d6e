"""`lambent clock`: what takes minutes on AWS happens at once on a development server."""

import json
import os
import re
import signal
import urllib.request
from collections.abc import Callable
from typing import Any

FAILING = """
import boto3, time
def handler(event, context):
    left_s = context.get_remaining_time_in_millis() / 1000
    print("attempt", boto3.client("sts").get_caller_identity()["Account"], 20 < left_s <= 30)
    raise ValueError("never")
"""
Eventually = Callable[[Callable[[], Any]], Any]


def retried(platform: Any) -> int:
    text = urllib.request.urlopen(f"{platform.endpoint}/_lambent/metrics").read().decode()
    return int(re.findall(r"^lambent_events_retried (\d+)", text, re.MULTILINE)[0])


def attempts(platform: Any, name: str) -> list[str]:
    return list(platform.logged(name, "attempt"))


def test_retries_messages_and_credentials_when_a_person_moves_the_time(
    own_server: Callable[..., Any], eventually: Eventually
) -> None:
    platform = own_server("--dev-credentials")
    only_the_root_key_moves_it(platform)
    lambda_, sqs, logs = platform.client("lambda"), platform.client("sqs"), platform.client("logs")
    name = platform.create(FAILING, MemorySize=1769)
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    expiring = an_object_of_a_day(platform.client("s3"))
    lambda_.invoke(FunctionName=name, InvocationType="Event")
    eventually(lambda: len(attempts(platform, name)) == 1)
    eventually(lambda: retried(platform) == 1)
    moved = platform.lambent("clock", "advance", "1m")
    assert "0:01:00 ahead" in moved.stdout, moved.stderr
    eventually(lambda: len(attempts(platform, name)) == 2)
    eventually(lambda: retried(platform) == 2)
    assert platform.lambent("clock", "advance", "2m").returncode == 0
    eventually(lambda: len(attempts(platform, name)) == 3)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    platform.lambent("clock", "advance", "13h")  # credentials of the environments and signatures go on
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"
    lambda_.invoke(FunctionName=name)
    eventually(lambda: attempts(platform, name) == ["attempt 000000000000 True\n"] * 4)
    status = json.loads(platform.lambent("status", "--format", "json").stdout)
    os.kill(status["parts"]["control"]["pid"], signal.SIGKILL)
    eventually(lambda: "13:03:00 ahead" in platform.lambent("clock", "show").stdout)
    assert expiring() == 1
    platform.lambent("clock", "advance", "2d")
    eventually(lambda: expiring() == 0)


def an_object_of_a_day(s3: Any) -> Callable[[], int]:
    """An object that its bucket's lifecycle ends; whether it is there."""
    s3.create_bucket(Bucket="passing")
    rule = {"ID": "day", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="passing", LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket="passing")["Rules"] == [rule]
    assert 'rule-id="day"' in s3.put_object(Bucket="passing", Key="k", Body=b"1")["Expiration"]
    assert 'rule-id="day"' in s3.head_object(Bucket="passing", Key="k")["Expiration"]
    return lambda: int(s3.list_objects_v2(Bucket="passing")["KeyCount"])


def test_other_servers_refuse(platform: Any) -> None:
    assert "--dev-credentials" in platform.lambent("clock", "advance", "2m").stderr


def only_the_root_key_moves_it(platform: Any) -> None:
    made = platform.client("sts").get_session_token()["Credentials"]
    platform.client("iam").create_user(UserName="u")
    user = platform.client("iam").create_access_key(UserName="u")["AccessKey"]
    root = platform.variables
    for key in (made, user):
        platform.variables = {
            **root,
            "AWS_ENDPOINT_URL": platform.endpoint,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            **({"AWS_SESSION_TOKEN": key["SessionToken"]} if "SessionToken" in key else {}),
        }
        assert "Only the root key" in platform.lambent("clock", "advance", "2m").stderr
    platform.variables = root
