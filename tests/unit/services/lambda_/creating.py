"""A process that creates, updates and deletes functions until it is killed; it prints what was acknowledged."""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from lambent.clock import SystemClock
from lambent.config import Settings
from lambent.ids import SystemIds
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
from lambent.store.blobs import open_blobs
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite
from lambent.vault import Vault

ACCOUNT = "000000000000"
CONTEXT = RequestContext(Principal(ACCOUNT, "arn", ACCOUNT), ACCOUNT, "us-east-1", "request", "http://here")


class Surroundings:
    """Everything that the service needs, saying yes."""

    architecture = "x86_64"

    async def assumable_by_lambda(self, role_arn: str, account: str) -> bool:
        return True

    def egress_obstacle(self) -> str | None:
        return "Install nftables."

    def missing(self, runtime: str) -> str | None:
        return None

    async def invalidate(self, functions: list[FunctionKey]) -> None:
        return None

    def standing(self, function: FunctionKey, qualifier: str, environment_keys: Iterable[str]) -> Standing:
        return Standing()

    async def take(self, key: FunctionKey, version: str, environment_key: str) -> SnapshotTaken:
        return SnapshotTaken("success", 0)

    async def expect(self, runtime: str, memory_mb: int) -> None:
        """Nothing waits here."""

    async def forget(self, environment_keys: list[str]) -> None:
        return None


class NoPollers:
    """Nobody makes mappings here."""

    async def apply(self, mapping: Mapping) -> None:
        raise AssertionError

    async def stop(self, uuid: str) -> None:
        raise AssertionError

    async def forget(self, mapping: Mapping) -> None:
        raise AssertionError

    async def exists(self, arn: str) -> bool:
        raise AssertionError

    def result(self, uuid: str) -> str:
        return ""

    def facts(self, arn: str) -> QueueFacts:
        raise AssertionError

    async def read(self, context: RequestContext, place: tuple[str, str, str | None], most_bytes: int) -> bytes:
        raise AssertionError

    def served(self) -> tuple[str, ...]:
        return ()


def _images(folder: Path) -> ImageStore:
    limits = Limits(1 << 30, 10_000, 10)
    return ImageStore(folder / "images", folder / "code", RegistrySettings(), limits, SystemIds())


async def open_service(folder: Path) -> LambdaService:
    database = await open_sqlite(folder / "lambda.db", load_schema("lambent.services.lambda_"))
    places = Places(
        database, await open_blobs(folder / "blobs"), folder / "code", b"secret", Vault(bytes(32)), _images(folder)
    )
    yes, none = Surroundings(), NoPollers()
    links = Links(yes, yes, yes, yes, yes, none, none, none, none, none)
    service = LambdaService(places, Settings(data=folder), SystemClock(), SystemIds(), links)
    await service.start()
    return service


def package(text: str) -> bytes:
    import io
    import zipfile

    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("app.py", text)
    return memory.getvalue()


def say(sign: str, name: str) -> None:
    """One line in one write, so that a kill leaves all of it or nothing (`print` makes one of each word where Python is
    told not to buffer)."""
    os.write(1, f"{sign} {name}\n".encode())


async def work(service: LambdaService, lane: int) -> None:
    number = 0
    while True:
        name = f"f{lane}-{number}"
        number += 1
        await service.operations["CreateFunction"](
            CONTEXT,
            {
                "FunctionName": name,
                "Runtime": "python3.12",
                "Handler": "a.b",
                "Role": "r",
                "Code": {"ZipFile": package(name)},
            },
        )
        say("+", name)
        if number % 3 == 0:
            say("?", name)  # from here to the minus nobody can say
            await service.operations["DeleteFunction"](CONTEXT, {"FunctionName": name})
            say("-", name)


async def main() -> None:
    service = await open_service(Path(sys.argv[1]))
    await asyncio.gather(*(work(service, lane) for lane in range(8)))


if __name__ == "__main__":
    asyncio.run(main())
