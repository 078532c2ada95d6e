"""Random operations, answered by DynamoDB Local as by us: the same answers and the same error codes.

DynamoDB Local is in Maven Central (com.amazonaws:DynamoDBLocal); `make test` copies it beside this file, and the test
starts it. LAMBENT_DYNAMODB_LOCAL names one that runs already, and LAMBENT_DYNAMODB_OPERATIONS how many operations are
to be compared for each seed. Where there is none, the test says that it was skipped.

Known differences are left out of what is made and compared: words of errors; UPDATED_OLD and UPDATED_NEW of nested
paths; types of index keys in updates; updates of the key, which we refuse before any condition is looked at; wrong
legacy actions, which Local refuses after conditions; two actions of a transaction on one item, and insides of keys in
its ConditionCheck, which Local does not always refuse; updates within transactions that cannot be, which cancel ours
as they do on AWS; the form of numbers, which Local does not always make uniform; LastEvaluatedKey, which Local leaves
out where the last item that a key condition admits ends a page, and does not take as a start there.
"""

import contextlib
import os
import platform
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from tests.conformance.dynamodb_requests import Maker

from lambent.cli.server import free_port
from lambent.clock import SystemClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.dynamodb.api import PACKAGE, DynamoService, open_dynamodb
from lambent.services.dynamodb.numbers import normalised
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

JARS = Path(__file__).with_name("dynamodb_local") / "lib"
KINDS = {"id": "S", "number": "N", "group": "S", "rank": "N"}


def _keys(partition: str, sort: str = "") -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def _index(name: str, projection: str, *keys: str) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _keys(*keys), "Projection": {"ProjectionType": projection}}


TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": _keys("id", "number"),
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in KINDS.items()],
    "GlobalSecondaryIndexes": [_index("by-group", "ALL", "group", "number"), _index("few", "KEYS_ONLY", "group")],
    "LocalSecondaryIndexes": [_index("by-rank", "ALL", "id", "rank")],
}
OPERATIONS = int(os.environ.get("LAMBENT_DYNAMODB_OPERATIONS", "300"))
START_S = 120.0  # a virtual machine of Java on a busy machine


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
    """An answer without what Local does in its own way."""
    if isinstance(answer, dict) and answer.keys() == {"N"}:
        return normalised(answer["N"])
    if isinstance(answer, dict):
        return {
            name: sorted(value, key=repr) if name in ("SS", "NS", "BS") else comparable(value)
            for name, value in answer.items()
            if name != "LastEvaluatedKey"
        }
    return [comparable(each) for each in answer] if isinstance(answer, list) else answer


def unordered(answer: Any) -> Any:
    """An answer whose items have no order."""
    if not isinstance(answer, dict):
        return answer
    lists = answer.get("Responses") or {"": answer.get("Items", [])}
    return answer | {
        "Responses": {
            name: sorted(items, key=lambda item: repr(sorted(item.items()))) for name, items in lists.items()
        },
        "Items": None,
    }


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
    maker = Maker(table, seed)
    for side in (ours, peer):
        await side.call("CreateTable", {"TableName": table, **TABLE})
    try:
        for _ in range(OPERATIONS):
            operation, request = maker.request()
            one, other = await ours.call(operation, request), await peer.call(operation, request)
            # Scans, batches and equal keys of an index have no order.
            ordered = operation in ("Query", "TransactGetItems") and "IndexName" not in request
            answers = [comparable(answer) if ordered else unordered(comparable(answer)) for answer in (one, other)]
            assert answers[0] == answers[1], (operation, request)
    finally:
        await peer.call("DeleteTable", {"TableName": table})


def parameters(shapes: ServiceModel, operation: str) -> set[str]:
    """What an operation takes, with what the requests and actions within it take."""
    shape: Any = shapes.operation_model(operation).input_shape
    inner = {"BatchGetItem": "KeysAndAttributes", "TransactGetItems": "Get"}.get(operation)
    actions = ("Put", "Update", "Delete", "ConditionCheck") if operation == "TransactWriteItems" else (inner,)
    return set(shape.members).union(*(shapes.shape_for(each).members for each in actions if each))


def test_every_parameter_of_every_operation_on_items_is_made() -> None:
    shapes = botocore.session.get_session().get_service_model("dynamodb")
    maker, made = Maker("table", 0), Counter[tuple[str, str]]()
    for _ in range(6000):
        operation, request = maker.request()
        made.update((operation, name) for name in names_within(request))
    operations = {operation for operation, _ in made}
    every = {(operation, name) for operation in operations for name in parameters(shapes, operation)}
    print(f"{len(every & made.keys())} of {len(every)} parameters of {len(operations)} operations")
    assert every <= made.keys()


def names_within(request: Any) -> set[str]:
    """The names of all members, however deep."""
    if isinstance(request, list):
        return set().union(*map(names_within, request))
    return set(request).union(*map(names_within, request.values())) if isinstance(request, dict) else set()
