"""Objects are put while everything is killed; nothing acknowledged may be missing, and neither may what was to be told.

Source of the promises: DESIGN.md, tenet 2; issue 6: no acknowledged object and no notification is lost.
"""

import hashlib
import http.client
import json
import os
import signal
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

ENOUGH = 120
MIB = 1024 * 1024
FOLDERS = 6
STAY = [("hides", "marker"), ("hides", "version"), ("stays", "version")]


def body_of(name: str) -> bytes:
    """Some are kept in the database, some are files."""
    size = 100 if ord(name[-1]) % 2 else 300_000
    return hashlib.shake_128(name.encode()).digest(size)


def test_a_storm_of_puts_loses_no_object_and_no_notification_to_kill_9_of_everything(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    platform = own_server("--edges", "2")
    s3, sqs = platform.client("s3"), platform.client("sqs")
    s3.create_bucket(Bucket="storm")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    s3.put_bucket_notification_configuration(
        Bucket="storm",
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    acknowledged: list[str] = []
    enough = threading.Event()

    def put(worker: int) -> None:
        client = platform.client("s3")
        for number in range(10_000):
            name = f"{worker}-{number}"
            try:
                client.put_object(Bucket="storm", Key=name, Body=body_of(name))
            except (BotoCoreError, ClientError, HTTPClientError):
                return
            acknowledged.append(name)
            if len(acknowledged) >= ENOUGH:
                enough.set()

    with ThreadPoolExecutor(4) as pool:
        storms = [pool.submit(put, worker) for worker in range(4)]
        assert enough.wait(90)
        os.killpg(platform.server.process.pid, signal.SIGKILL)
        for storm in storms:
            storm.result()
    platform.server.process.wait()

    again = own_server("--edges", "2")
    s3, sqs = again.client("s3"), again.client("sqs")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="storm")
    there = {each["Key"] for page in pages for each in page.get("Contents", [])}
    assert set(acknowledged) <= there
    for name in there:  # also those whose answer was cut off are whole
        assert s3.get_object(Bucket="storm", Key=name)["Body"].read() == body_of(name)
    told: set[str] = set()
    queue = sqs.get_queue_url(QueueName="told")["QueueUrl"]

    def all_told() -> bool:
        for each in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told.update(record["s3"]["object"]["key"] for record in json.loads(each["Body"]).get("Records", []))
        return there <= told

    eventually(all_told)


def test_what_an_upload_leaves_that_was_cut_off_is_no_object(own_server: Callable[..., "Platform"]) -> None:
    platform = own_server()
    s3 = platform.client("s3")
    s3.create_bucket(Bucket="cut")
    stop = threading.Event()

    class Endless:
        """A body that stands still after some megabytes."""

        left = 40 * MIB

        def __len__(self) -> int:
            return 64 * MIB

        def read(self, size: int = -1) -> bytes:
            if self.left <= 0:
                stop.wait(30)
                return b""
            self.left -= size
            return b"x" * size

    def upload() -> None:
        client = platform.client("s3", signature_version="s3v4", request_checksum_calculation="when_required")
        url = client.generate_presigned_url("put_object", Params={"Bucket": "cut", "Key": "half"})
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        try:
            connection.request(
                "PUT", f"{parts.path}?{parts.query}", body=Endless(), headers={"Content-Length": str(64 * MIB)}
            )
            connection.getresponse()
        except OSError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=upload)
    thread.start()
    unfinished = platform.server.data / "objects" / "unfinished"
    while not any(each.stat().st_size > 8 * MIB for each in unfinished.iterdir()):
        assert thread.is_alive()
    os.killpg(platform.server.process.pid, signal.SIGKILL)
    platform.server.process.wait()
    stop.set()
    thread.join()
    assert list(unfinished.iterdir())
    for each in unfinished.iterdir():
        os.utime(each, (0, 0))  # as if it had been a while ago
    again = own_server()
    while list(unfinished.iterdir()):
        assert again.server.process.poll() is None
    assert "Contents" not in again.client("s3").list_objects_v2(Bucket="cut")


def test_a_lifecycle_walk_that_is_killed_ends_what_is_over_and_nothing_else(
    platform: "Platform", eventually: Any
) -> None:
    """Delete markers, because a thousand of them are made by one request: those that are alone are over by the rule,
    those that hide a version are not."""
    s3, bucket = platform.client("s3"), f"walk-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(FOLDERS):
        s3.put_object(Bucket=bucket, Key=f"{number}/hides", Body=b"1")
        s3.put_object(Bucket=bucket, Key=f"{number}/stays", Body=body_of("odd"))
        keys = [f"{number}/{each:03}" for each in range(998)] + [f"{number}/hides"]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
    s3.put_object(Bucket=bucket, Key="old", Body=b"1")
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}}
    old = {"ID": "o", "Status": "Enabled", "Filter": {"Prefix": "old"}, "Expiration": {"Date": "2020-01-01T00:00:00Z"}}
    status = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule, old]})

    def first() -> str:
        there = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
        return str([*there.get("DeleteMarkers", []), *there.get("Versions", [])][0]["Key"])

    while first() == "0/000":  # no pause: the walk is to be met in its middle
        assert platform.server.process.poll() is None
    os.kill(status["parts"]["control"]["pid"], signal.SIGKILL)

    def left() -> list[tuple[str, str]]:
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found += [(each["Key"], "marker") for each in page.get("DeleteMarkers", [])]
            found += [(each["Key"], "version") for each in page.get("Versions", [])]
        return sorted(found)

    def answered() -> bool:
        try:
            return bool(left())
        except (BotoCoreError, ClientError, HTTPClientError):
            return False

    eventually(answered)
    stay = [(f"{number}/{name}", kind) for number in range(FOLDERS) for name, kind in STAY]
    assert set(stay) <= set(left())
    expected = sorted([*stay, ("old", "marker"), ("old", "version")])
    eventually(lambda: left() == expected)
