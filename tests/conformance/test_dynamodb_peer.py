"""Random operations, answered by DynamoDB Local as by us: the same answers and the same error codes.

DynamoDB Local is in Maven Central (com.amazonaws:DynamoDBLocal); `make test` copies it beside this file, and the test
starts it. LAMBENT_DYNAMODB_LOCAL names one that runs already, and LAMBENT_DYNAMODB_OPERATIONS how many operations are
to be compared for each seed. Where there is none, the test says that it was skipped.

Known differences are left out of what is made and compared: words of errors; UPDATED_OLD and UPDATED_NEW of nested
paths; tokens of transactions; types of index keys in updates; updates of the key, which we refuse before any condition
is looked at; the form of numbers, which Local does not always make uniform; LastEvaluatedKey, which Local leaves out
where the last item that a key condition admits ends a page.
"""

import contextlib
import os
import platform
import random
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambent.cli.server import free_port
from lambent.clock import SystemClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.dynamodb.api import PACKAGE, DynamoService, open_dynamodb
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

JARS = Path(__file__).with_name("dynamodb_local") / "lib"
OPERATIONS = int(os.environ.get("LAMBENT_DYNAMODB_OPERATIONS", "300"))
START_S = 120.0  # a virtual machine of Java on a busy machine
VALUES: list[dict[str, Any]] = [
    *({"N": each} for each in ("0", "1", "-1", "2.50", "1e3", "1E-7", "12345678901234567890123456789012345678")),
    *({"S": each} for each in ("", "a", "ab", "b", "é")),
    *({"B": each} for each in (b"\0", b"a", b"\xff\xff")),
    {"BOOL": True},
    {"NULL": True},
    {"SS": ["a", "b"]},
    {"NS": ["1", "2"]},
    {"L": [{"S": "a"}, {"N": "1"}]},
    {"M": {"x": {"N": "1"}, "y": {"L": [{"S": "b"}]}}},
    {"M": {}},
]
PATHS = ["v", "w", "v.x", "v.y[0]", "w[0]", "w[1]", "#v", "id", "none"]
FUNCTIONS = [
    "attribute_exists({})",
    "attribute_not_exists({})",
    "size({}) > :a",
    "begins_with({}, :a)",
    "contains({}, :a)",
]
COMPARISONS = ["{} = :a", "{} <> :a", "{} < :a", "{} >= :b", "{} BETWEEN :a AND :b", "{} IN (:a, :b)", "{} = w"]
CHANGES = [
    *("SET {} = :a", "SET {} = w", "SET {} = {} + :a", "SET {} = if_not_exists(v, :a)", "SET {} = list_append({}, :b)"),
    *("REMOVE {}", "ADD {} :a", "DELETE {} :a", "SET {} = :a REMOVE w", "SET {} = :b - :a"),
]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where a DynamoDB Local answers."""
    if named := os.environ.get("LAMBENT_DYNAMODB_LOCAL"):
        yield named
        return
    if not (JARS / "DynamoDBLocal.jar").exists() or shutil.which("java") is None:
        pytest.skip("DynamoDB Local is not here: apt-get install maven default-jre-headless, then make test")
    if platform.machine() != "x86_64":
        pytest.skip("DynamoDB Local's own database is compiled for x86_64")
    port = free_port()
    command = ["java", "-XX:TieredStopAtLevel=1", f"-Djava.library.path={JARS}", "-cp", f"{JARS}/*"]
    main = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
    words = [*command, main, "-inMemory", "-disableTelemetry", "-port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + START_S
        while not answers(port):
            assert process.poll() is None, "DynamoDB Local has ended"
            assert time.monotonic() < deadline_s, "DynamoDB Local does not answer"
            threading.Event().wait(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Ours:
    """Our service, called as boto3 is."""

    def __init__(self, service: DynamoService) -> None:
        principal = Principal("0" * 12, "arn:aws:iam::000000000000:root", "0" * 12)
        self._ctx = RequestContext(principal, "0" * 12, "us-east-1", "request")
        self._service = service

    async def call(self, operation: str, request: Mapping[str, Any]) -> Any:
        try:
            return await self._service.operations[operation](self._ctx, request) or {}
        except ServiceError as error:
            return error.code


class Peer:
    """DynamoDB Local."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        self._client = boto3.client("dynamodb", endpoint_url=endpoint, **keys)

    async def call(self, operation: str, request: Mapping[str, Any]) -> Any:
        method = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
        try:
            answer = getattr(self._client, method)(**request)
        except ClientError as error:
            return error.response["Error"]["Code"]
        # Local names units that nobody asked for.
        return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "ConsumedCapacity")}


def comparable(answer: Any) -> Any:
    """An answer without order where there is none, and without what Local does in its own way."""
    if isinstance(answer, dict) and answer.keys() == {"N"}:
        return Decimal(answer["N"])
    if isinstance(answer, dict):
        return {
            name: sorted(value, key=repr) if name in ("SS", "NS", "BS") else comparable(value)
            for name, value in answer.items()
            if name != "LastEvaluatedKey"
        }
    return [comparable(each) for each in answer] if isinstance(answer, list) else answer


class Maker:
    """Requests by chance."""

    def __init__(self, table: str, seed: int) -> None:
        self._table, self._chance = table, random.Random(seed)

    def request(self) -> tuple[str, dict[str, Any]]:
        """One operation and its parameters."""
        make = self._chance.choice(
            [self._put, self._put, self._get, self._update, self._update, self._delete, self._query]
        )
        operation, parameters = make()
        return operation, {"TableName": self._table, **parameters}

    def _key(self) -> dict[str, Any]:
        return {"id": {"S": self._chance.choice("ab")}, "number": {"N": str(self._chance.randint(-3, 3))}}

    def _condition(self, depth: int = 0) -> str:
        chance = self._chance.random()
        if depth < 2 and chance < 0.3:
            word = self._chance.choice(["AND", "OR"])
            return f"({self._condition(depth + 1)}) {word} ({self._condition(depth + 1)})"
        if depth < 2 and chance < 0.4:
            return f"NOT {self._condition(2)}"
        return self._chance.choice(FUNCTIONS + COMPARISONS).format(self._chance.choice(PATHS))

    def _placeholders(self, *texts: str) -> dict[str, Any]:
        whole = " ".join(texts)
        values = {name: self._chance.choice(VALUES) for name in (":a", ":b") if name in whole}
        given: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        names = {name: meant for name, meant in (("#v", "v"), ("#number", "number")) if name in whole}
        return given | ({"ExpressionAttributeNames": names} if names else {})

    def _conditional(self, *texts: str) -> dict[str, Any]:
        if self._chance.random() < 0.5:
            return self._placeholders(*texts)
        condition = self._condition()
        return {"ConditionExpression": condition, **self._placeholders(condition, *texts)}

    def _put(self) -> tuple[str, dict[str, Any]]:
        item = self._key() | {name: self._chance.choice(VALUES) for name in "vw" if self._chance.random() < 0.8}
        return "PutItem", {"Item": item, "ReturnValues": "ALL_OLD", **self._conditional()}

    def _get(self) -> tuple[str, dict[str, Any]]:
        text = ", ".join(self._chance.sample(PATHS, 2))
        return "GetItem", {"Key": self._key(), "ProjectionExpression": text, **self._placeholders(text)}

    def _update(self) -> tuple[str, dict[str, Any]]:
        path = self._chance.choice([path for path in PATHS if path != "id"])
        text = self._chance.choice(CHANGES).replace("{}", path)
        more = {"UpdateExpression": text, "ReturnValues": self._chance.choice(["ALL_OLD", "ALL_NEW"])}
        return "UpdateItem", {"Key": self._key(), **more, **self._conditional(text)}

    def _delete(self) -> tuple[str, dict[str, Any]]:
        return "DeleteItem", {"Key": self._key(), "ReturnValues": "ALL_OLD", **self._conditional()}

    def _query(self) -> tuple[str, dict[str, Any]]:
        condition = f"id = :id AND #number {self._chance.choice(['<', '<=', '>', '>=', '='])} :n"
        text = self._condition()
        given = self._placeholders(condition, text)
        values = {":id": {"S": "a"}, ":n": {"N": str(self._chance.randint(-3, 3))}}
        given["ExpressionAttributeValues"] = values | given.get("ExpressionAttributeValues", {})
        request = {"KeyConditionExpression": condition, "FilterExpression": text, **given}
        more = {"ScanIndexForward": self._chance.random() < 0.5, "Limit": self._chance.randint(1, 9)}
        return "Query", request | more


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    database = await open_memory(load_schema(PACKAGE))
    service = await open_dynamodb(database, SystemClock(), SystemIds(), Quotas())
    yield Ours(service)
    await service.close()
    await database.close()


@pytest.mark.parametrize("seed", range(3))
async def test_random_operations_are_answered_alike(ours: Ours, endpoint: str, seed: int) -> None:
    peer, table = Peer(endpoint), f"peer-{uuid.uuid4().hex[:8]}"
    keys = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}]
    kinds = [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "number", "AttributeType": "N"}]
    create = {"TableName": table, "KeySchema": keys, "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    maker = Maker(table, seed)
    for side in (ours, peer):
        await side.call("CreateTable", create)
    try:
        for _ in range(OPERATIONS):
            operation, request = maker.request()
            one, other = await ours.call(operation, request), await peer.call(operation, request)
            assert comparable(one) == comparable(other), (operation, request)
    finally:
        await peer.call("DeleteTable", {"TableName": table})
