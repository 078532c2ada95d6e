"""A whole Lambda service over an in-memory database, with fakes around it."""

import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from collections.abc import Mapping as Dict
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from lambent.clock import FakeClock
from lambent.config import Settings
from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.images.api import Limits
from lambent.images.registry import RegistrySettings
from lambent.images.store import ImageStore
from lambent.model.function import FunctionKey
from lambent.model.messages import SnapshotTaken
from lambent.model.principal import Principal
from lambent.placement.api import Standing
from lambent.pollers.api import Mapping, QueueFacts
from lambent.services.lambda_.api import Links
from lambent.services.lambda_.service import LambdaService, Places
from lambent.services.operation import RequestContext
from lambent.store.api import Database
from lambent.store.blobs import open_blobs
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema
from lambent.vault import Vault

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
MODEL = botocore.session.Session().get_service_model("lambda")


def zipped(files: Dict[str, str | bytes]) -> bytes:
    """A package of these files."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return memory.getvalue()


class FakeRoles:
    async def assumable_by_lambda(self, role_arn: str, account: str) -> bool:
        return not role_arn.endswith("/nobody")


class FakeRuntimes:
    architecture = "x86_64"

    def egress_obstacle(self) -> str | None:
        return "Install nftables."

    def missing(self, runtime: str) -> str | None:
        return f"{runtime} is not on this host; install it" if runtime.startswith("ruby") else None


class FakeInvalidator:
    def __init__(self) -> None:
        self.told: list[FunctionKey] = []
        self.hook: Callable[[], Any] | None = None

    async def invalidate(self, functions: list[FunctionKey]) -> None:
        if self.hook is not None:
            await self.hook()
        self.told += functions


class FakeProvisioning:
    """`ready` environments for whatever is asked about."""

    def __init__(self) -> None:
        self.ready: dict[str, Standing] = {}

    def standing(self, function: FunctionKey, qualifier: str, environment_keys: Iterable[str]) -> Standing:
        assert list(environment_keys)
        return self.ready.get(qualifier, Standing())


class FakeSnapshots:
    """Tells what `answer` says, once `hook` has let it."""

    def __init__(self) -> None:
        self.answer = SnapshotTaken("success", 2_000_000)
        self.taken: list[str] = []
        self.forgotten: list[str] = []
        self.hook: Callable[[], Any] | None = None

    async def take(self, key: FunctionKey, version: str, environment_key: str) -> SnapshotTaken:
        self.taken.append(environment_key)
        if self.hook is not None:
            await self.hook()
        return self.answer

    async def expect(self, runtime: str, memory_mb: int) -> None:
        """Nothing waits here."""

    async def forget(self, environment_keys: list[str]) -> None:
        self.forgotten += environment_keys


class FakePollers:
    """Remembers what it serves; `gone` was forgotten."""

    def __init__(self) -> None:
        self.served: dict[str, Mapping] = {}
        self.gone: list[str] = []
        self.problems: dict[str, str] = {}
        self.hook: Callable[[], Any] | None = None

    async def apply(self, mapping: Mapping) -> None:
        if self.hook is not None:
            await self.hook()
        self.served[mapping.uuid] = mapping

    async def stop(self, uuid: str) -> None:
        self.served.pop(uuid, None)

    async def forget(self, mapping: Mapping) -> None:
        await self.stop(mapping.uuid)
        self.gone.append(mapping.uuid)

    def result(self, uuid: str) -> str:
        return self.problems.get(uuid, "")


class FakeQueues:
    """Queues by the last part of their ARN."""

    def __init__(self) -> None:
        self.known = {"orders": QueueFacts(False, 30), "orders.fifo": QueueFacts(True, 30)}

    def facts(self, arn: str) -> QueueFacts:
        name = arn.rpartition(":")[2]
        if name not in self.known:
            raise ServiceError(f"no queue {name}")
        return self.known[name]


class FakeStreams:
    """The stream of the table `orders`."""

    async def exists(self, arn: str) -> bool:
        return "/orders/" in arn


class FakeArchives:
    async def read(self, context: RequestContext, place: tuple[str, str, str | None], most_bytes: int) -> bytes:
        raise ServiceError("The specified key does not exist.")


class FakeDestinations:
    """Queues are served, and all are there but those that are `gone`."""

    gone: tuple[str, ...] = ()

    def served(self) -> tuple[str, ...]:
        return ("sqs",)

    async def exists(self, arn: str) -> bool:
        return arn not in self.gone


class House:
    """The service with what surrounds it. `call` checks each answer against the service model."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.clock, self.ids, self.invalidator = FakeClock(), FakeIds(), FakeInvalidator()
        self.snapshots = FakeSnapshots()
        self.context = RequestContext(
            Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), ACCOUNT, REGION, "request", "http://here:4566"
        )
        self.database: Database
        limits = Limits(1 << 30, 10_000, 10)
        self.images = ImageStore(self.folder / "images", self.folder / "code", RegistrySettings(), limits, FakeIds())
        self.provisioning = FakeProvisioning()
        self.pollers, self.queues, self.destinations = FakePollers(), FakeQueues(), FakeDestinations()

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.lambda_"))
        await self.build()
        return self

    async def build(self) -> None:
        """The service anew over the same data, as after a restart."""
        places = Places(
            self.database,
            await open_blobs(self.folder / "blobs"),
            self.folder / "code",
            b"secret",
            Vault(bytes(32)),
            self.images,
        )
        links = Links(
            FakeRoles(),
            FakeRuntimes(),
            self.invalidator,
            self.provisioning,
            self.snapshots,
            self.pollers,
            self.queues,
            FakeStreams(),
            FakeArchives(),
            self.destinations,
        )
        self.service = LambdaService(places, self.settings, self.clock, self.ids, links)
        await self.service.start()

    async def close(self) -> None:
        await self.service.close()
        await self.database.close()

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = await self.service.operations[operation](self.context, parameters)
        check_shape(answer or {}, MODEL.operation_model(operation).output_shape)
        return answer or {}

    async def create(self, name: str = "f", **parameters: Any) -> dict[str, Any]:
        """CreateFunction with what it needs, and the background work done."""
        wanted = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Handler": "app.handler",
            "Role": ROLE,
            "Code": {"ZipFile": zipped({"app.py": "def handler(event, context): return event"})},
        }
        answer = await self.call("CreateFunction", **(wanted | parameters))
        await self.service.settle()
        return answer

    def key(self, name: str = "f") -> FunctionKey:
        return FunctionKey(ACCOUNT, REGION, name)


def check_shape(value: Any, shape: Any) -> None:
    """Every member is one that the model names, of the modelled type; required ones are there."""
    if shape is None:
        assert value == {}
    elif shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{shape.name} has no {set(value) - set(shape.members)}"
        assert set(getattr(shape, "required_members", ())) <= set(value)
        for name, member in value.items():
            check_shape(member, shape.members[name])
    elif shape.type_name == "list":
        for member in value:
            check_shape(member, shape.member)
    elif shape.type_name == "map":
        for name, member in value.items():
            check_shape(name, shape.key)
            check_shape(member, shape.value)
    else:
        types = {
            "timestamp": datetime,
            "string": str,
            "integer": int,
            "long": int,
            "boolean": bool,
            "blob": bytes,
            "double": float,
        }
        assert isinstance(value, types.get(shape.type_name, str)), (shape.name, value)
        if getattr(shape, "enum", None):
            # The recordings have this one, which the model's LastUpdateStatusReasonCode lacks.
            assert value in [*shape.enum, "Creating"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(data=tmp_path)


@pytest.fixture
async def house(tmp_path: Path, settings: Settings) -> AsyncIterator[House]:
    house = await House(tmp_path, settings).open()
    yield house
    await house.close()


@pytest.fixture
def package() -> Callable[[Dict[str, str | bytes]], bytes]:
    return zipped
