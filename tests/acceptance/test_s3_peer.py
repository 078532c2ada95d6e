"""Random operations on objects, answered by another published S3 server as by us: the same answers, the same codes.

The peer is moto's server, which the test starts. LAMBENT_S3_PEER names one that runs already and knows the key
test/test, and LAMBENT_S3_OPERATIONS how many operations are to be compared for each seed.

Known differences, left out of what is made and compared, with what we do, which is what AWS documents:
- times are everybody's own, and words of errors are not compared;
- moto fails (500) where tags are deleted of an object that is not there, and where an empty set of tags is put;
- moto's ListObjects does not count common prefixes among MaxKeys;
- moto refuses a range whose end is before its begin (bytes=5-2), which HTTP says is to be ignored.
"""

import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.cli.server import free_port

OPERATIONS = int(os.environ.get("LAMBENT_S3_OPERATIONS", "150"))
START_S = 30.0
KEYS = ["a", "a/b", "a/b/c", "b", "b+ c%", "ä", "z/", "z/z"]
KEPT = {
    "head_object": ("ContentLength", "ETag", "ContentType", "Metadata", "CacheControl", "PartsCount"),
    "get_object": ("ContentLength", "ETag", "ContentType", "Metadata", "ContentRange"),
    "list_objects_v2": ("KeyCount", "IsTruncated", "CommonPrefixes", "Contents", "Prefix", "Delimiter"),
    "list_objects": ("IsTruncated", "CommonPrefixes", "Contents"),
    "get_object_tagging": ("TagSet",),
    "put_object": ("ETag",),
    "delete_objects": ("Deleted", "Errors"),
}


@pytest.fixture(scope="module")
def peer() -> Iterator[Any]:
    """A client of the other server."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    options = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    if named := os.environ.get("LAMBENT_S3_PEER"):
        yield boto3.client("s3", endpoint_url=named, config=options, **keys)
        return
    pytest.importorskip("moto", reason="moto is not here: make setup")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline_s = time.monotonic() + START_S
        while not answers(port):
            assert process.poll() is None, "moto has ended"
            assert time.monotonic() < deadline_s, "moto does not answer"
            threading.Event().wait(0.1)
        yield boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=options, **keys)
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/moto-api/", timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


def step(dice: random.Random, bucket: str) -> Any:
    """An operation with its parameters."""
    key, other = dice.choice(KEYS), dice.choice(KEYS)
    place = {"Bucket": bucket, "Key": key}
    prefix = dice.choice(["", "a", "a/", "z", "none"])
    listing: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": dice.choice([1, 2, 1000])}
    if dice.random() < 0.5:
        listing["Delimiter"] = "/"
    body = dice.randbytes(dice.choice([0, 1, 10, 5000, 20_000]))
    whole = {"Body": body, "ContentType": dice.choice(["text/plain", "image/png"]), "Metadata": {"n": str(len(body))}}
    span = dice.choice(["bytes=0-3", "bytes=2-", "bytes=-4", "bytes=99999-"])
    tags = {"TagSet": [{"Key": each, "Value": "v"} for each in dice.sample(["x", "y", "z"], dice.randrange(4))]}
    return dice.choice(
        [
            ("put_object", place | whole),
            ("put_object", place | whole | {"CacheControl": "no-store"}),
            ("get_object", place),
            ("get_object", place | {"Range": span}),
            ("head_object", place),
            ("delete_object", place),
            ("delete_objects", {"Bucket": bucket, "Delete": {"Objects": [{"Key": key}, {"Key": other + "x"}]}}),
            ("copy_object", place | {"CopySource": {"Bucket": bucket, "Key": other}}),
            ("list_objects_v2", listing),
            ("list_objects", listing | {"MaxKeys": 1000}),
            ("put_object_tagging", place | {"Tagging": tags}),
            ("get_object_tagging", place),
            ("delete_object_tagging", place),
            ("get_object", {"Bucket": f"{bucket}-none", "Key": key}),
        ]
    )


def asked(client: Any, name: str, parameters: dict[str, Any]) -> Any:
    """What is to be compared of an answer."""
    try:
        answer = getattr(client, name)(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    found = {member: answer[member] for member in KEPT.get(name, ()) if member in answer}
    if name == "get_object":
        found["Body"] = answer["Body"].read()
    if "Contents" in found:
        found["Contents"] = [(each["Key"], each["Size"], each["ETag"]) for each in found["Contents"]]
    for member in ("TagSet", "Deleted"):
        if member in found:
            found[member] = sorted((sorted(each.items()) for each in found[member]), key=str)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_random_operations_are_answered_as_by_a_published_server(platform: Any, peer: Any, seed: int) -> None:
    ours, dice, bucket = platform.client("s3"), random.Random(seed), f"peer-{uuid.uuid4().hex[:10]}"
    for client in (ours, peer):
        client.create_bucket(Bucket=bucket)
    for number in range(OPERATIONS):
        name, parameters = step(dice, bucket)
        mine, theirs = asked(ours, name, parameters), asked(peer, name, parameters)
        if theirs == ("500", 500):
            continue  # a fault of the peer's
        assert mine == theirs, f"seed {seed}, operation {number}: {name} {parameters}"
