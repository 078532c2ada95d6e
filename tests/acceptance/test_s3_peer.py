"""Random operations on objects, answered by another published S3 server as by us: the same answers, the same codes.

The peer is moto's server, which the test starts. LAMBENT_S3_PEER names one that runs already and knows the key
test/test, LAMBENT_S3_PEER_NAME which it is (versitygw), LAMBENT_S3_OPERATIONS how many operations are to be compared
for each bucket, and LAMBENT_S3_SEED which. Names of versions and uploads are each server's own: operations are made
with words for them (`~12`), which each side turns into its names.

Times are everybody's own, and words of errors are not compared. All other differences that we know of are in
`s3_peers.py`, with the reason.
"""

import os
import subprocess
import sys
import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.acceptance.s3_operations import CHECKSUMS, Maker, Step
from tests.acceptance.s3_peers import PEERS, Case, Peer

from lambent.cli.server import free_port
from lambent.protocol.checksums import COMPOSITE, FULL, running

OPERATIONS = int(os.environ.get("LAMBENT_S3_OPERATIONS", "120"))
SEED = int(os.environ.get("LAMBENT_S3_SEED", "1"))
READING = ("get", "head", "list")
START_S = 120.0
MIB = 1024 * 1024
OWN = {
    *("ResponseMetadata", "LastModified", "Initiated", "Owner", "Initiator", "Location", "DisplayName"),
    *("NextContinuationToken", "ContinuationToken", "EncodingType", "Prefix", "Delimiter", "Marker", "KeyMarker"),
    *("VersionIdMarker", "StartAfter", "UploadIdMarker", "PartNumberMarker"),  # what was asked, told once more
}
NAMES = {"VersionId", "DeleteMarkerVersionId", "UploadId", "CopySourceVersionId", "NextVersionIdMarker"}


class Side:
    """One of the two servers, with its names for what both have."""

    def __init__(self, client: Any, left_out: frozenset[str]) -> None:
        self.client, self._left_out = client, OWN | left_out
        self._names: dict[str, str] = {}
        self._words: dict[str, str] = {}

    def do(self, number: int, step: Step) -> Any:
        """The answer, in words that both sides have."""
        name, parameters = step
        try:
            answer = getattr(self.client, name)(**self._meant(parameters))
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if "Body" in answer:
            answer["Body"] = answer["Body"].read()
        return self._told(answer, f"~{number}")

    def forget(self, bucket: str, step: Step) -> None:
        """Take away all of the keys of `step`, on which the two sides are not at one any more."""
        asked = step[1]
        keys = {asked["Key"]} if "Key" in asked else {each["Key"] for each in asked["Delete"]["Objects"]}
        if "UploadId" in asked:
            self.do(0, ("abort_multipart_upload", {name: asked[name] for name in ("Bucket", "Key", "UploadId")}))
        there = self.client.list_object_versions(Bucket=bucket)
        for each in [*there.get("Versions", []), *there.get("DeleteMarkers", [])]:
            if each["Key"] in keys:
                gone = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                self.do(0, ("delete_object", gone))

    def _meant(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._meant(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._meant(each) for each in value]
        return self._names.get(value, "none") if isinstance(value, str) and value.startswith("~") else value

    def _told(self, value: Any, word: str) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"Prefix"}:
                return value["Prefix"]
            return {
                name: self._word(each, word) if name in NAMES else self._told(each, word)
                for name, each in value.items()
                if name not in self._left_out and each not in ("", [], {}, None, False)
            }
        if isinstance(value, list):
            told = [self._told(each, f"{word}.{number}") for number, each in enumerate(value)]
            return sorted(told, key=str) if told and isinstance(told[0], dict) and "Value" in told[0] else told
        return value

    def _word(self, name: str, word: str) -> str:
        if name == "null":
            return name
        known = self._words.setdefault(name, word)
        self._names[known] = name
        return known


def client_of(url: str) -> Any:
    options = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=url, config=options, **keys)


@pytest.fixture(scope="module")
def peer() -> Iterator[tuple[Any, Peer]]:
    """A client of the other server, and what is known of that."""
    if named := os.environ.get("LAMBENT_S3_PEER"):
        yield client_of(named), PEERS[os.environ.get("LAMBENT_S3_PEER_NAME", "versitygw")]
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
        yield client_of(f"http://127.0.0.1:{port}"), PEERS["moto"]
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/moto-api/", timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("versioning", [(), ("Enabled",), ("Enabled", "Suspended")], ids=str)
def test_random_operations_are_answered_as_by_a_published_server(
    platform: Any, peer: tuple[Any, Peer], versioning: tuple[str, ...]
) -> None:
    bucket, known = f"peer-{uuid.uuid4().hex[:10]}", peer[1]
    sides = Side(platform.client("s3"), known.left_out), Side(peer[0], known.left_out)
    for side in sides:
        side.client.create_bucket(Bucket=bucket)
    maker, seen, equal = Maker(SEED + len(versioning), bucket), set(), 0
    for number in range(OPERATIONS):
        if number in (0, OPERATIONS // 2) and number * 2 // OPERATIONS < len(versioning):
            for side in sides:
                status = {"Status": versioning[number * 2 // OPERATIONS]}
                side.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=status)
        step = maker.step()
        mine, theirs = (side.do(number, step) for side in sides)
        maker.learn(step, mine)
        equal += mine == theirs
        if mine != theirs:
            case = Case(*step, mine, theirs)
            reasons = [reason for reason, fits in known.differences if fits(case)]
            assert reasons, f"operation {number}: {step}\nours:   {mine}\ntheirs: {theirs}"
            seen.update(reasons[:1])
            if not step[0].startswith(READING):
                for side in sides:
                    side.forget(bucket, step)
    print(f"{equal} of {OPERATIONS} equal; else: {sorted(seen)}")
    assert equal > OPERATIONS / 2


@pytest.mark.parametrize("algorithm", CHECKSUMS)
@pytest.mark.parametrize("kind", [FULL, COMPOSITE])
def test_an_upload_in_parts_has_the_checksum_of_its_kind(
    platform: Any, peer: tuple[Any, Peer], algorithm: str, kind: str
) -> None:
    """S3 User Guide, "Checking object integrity": CRCs are of the whole or of the parts' checksums, CRC64NVME only of
    the whole, hashes only of the parts'."""
    bodies, bucket = [b"a" * (5 * MIB), b"bcd"], f"parts-{uuid.uuid4().hex[:10]}"
    digests = [digest(algorithm, body) for body in bodies]
    whole = {FULL: digest(algorithm, b"".join(bodies)), COMPOSITE: digest(algorithm, b"".join(digests))}[kind]
    expected = b64encode(whole).decode() + ("-2" if kind == COMPOSITE else "")
    begin = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    clients = [platform.client("s3"), *([peer[0]] if peer[1] is not PEERS["moto"] else [])]  # moto has but one kind
    possible = algorithm in ("CRC32", "CRC32C") or (algorithm == "CRC64NVME") == (kind == FULL)
    for client in clients:
        client.create_bucket(Bucket=bucket)
        if not possible:
            with pytest.raises(ClientError, match="InvalidRequest"):
                client.create_multipart_upload(**begin)
            continue
        named = {"Bucket": bucket, "Key": "k", "UploadId": client.create_multipart_upload(**begin)["UploadId"]}
        parts = []
        for number, body in enumerate(bodies, 1):
            told = {f"Checksum{algorithm}": b64encode(digests[number - 1]).decode()}
            made = client.upload_part(**named, PartNumber=number, Body=body, **told)
            parts.append({"PartNumber": number, "ETag": made["ETag"], **told})
        wrong = {f"Checksum{algorithm}": b64encode(bytes(len(whole))).decode(), "ChecksumType": kind}
        with pytest.raises(ClientError, match="BadDigest"):
            client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}, **wrong)
        done = client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        head = client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert head["ETag"] == done["ETag"]
        for answer in (done, head):
            assert (answer[f"Checksum{algorithm}"], answer["ChecksumType"]) == (expected, kind)


def digest(algorithm: str, body: bytes) -> bytes:
    counted = running(algorithm)
    counted.update(body)
    return counted.digest()
