"""Environment variables at rest: no file under the data directory shows one.

Source: Lambda Developer Guide, "Securing environment variables": Lambda always encrypts them at rest.
"""

import shutil
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from lambent.config import Settings
from lambent.model.function import FunctionKey
from lambent.services.lambda_.model import Configuration, State, Version
from lambent.store.sql import Schema, load_schema
from lambent.store.sqlite import open_sqlite
from lambent.store.sqlite.connection import connect
from lambent.store.sqlite.migrate import bring_up_to_date
from lambent.vault import SealBroken

from .conftest import ACCOUNT, REGION, House

SECRET = "hunter2-in-the-clear"
VARIABLES = {"PASSWORD": SECRET}
SCHEMA = load_schema("lambent.services.lambda_")
BEFORE_SECRETS = 6  # the version of the tables that kept variables in clear text


class FiledHouse(House):
    """A service whose database is a file."""

    async def open(self) -> "FiledHouse":
        self.database = await open_sqlite(self.folder / "db" / "lambda.sqlite", SCHEMA)
        await self.build()
        return self

    def shows(self, text: str) -> list[str]:
        """The files that show `text`."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return [file.name for file in files if text.encode() in file.read_bytes()]


async def variables_of(house: House, name: str, **where: str) -> object:
    answer = await house.call("GetFunctionConfiguration", FunctionName=name, **where)
    return answer.get("Environment", {}).get("Variables")


async def test_no_file_shows_an_environment_variable_or_its_name(tmp_path: Path) -> None:
    house = await FiledHouse(tmp_path, Settings()).open()
    await house.create("f", Environment={"Variables": VARIABLES})
    published = await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"NEW_NAME": SECRET}})
    await house.service.settle()
    for text in (SECRET, "PASSWORD", "NEW_NAME"):
        assert house.shows(text) == []
    assert "lambda.sqlite-wal" in house.shows("app.handler")  # the search does find what is not sealed
    assert await variables_of(house, "f", Qualifier=published["Version"]) == VARIABLES
    assert await variables_of(house, "f") == {"NEW_NAME": SECRET}
    await house.close()
    assert house.shows(SECRET) == []


async def test_none_and_an_empty_environment_are_told_apart(tmp_path: Path) -> None:
    house = await FiledHouse(tmp_path, Settings()).open()
    await house.create("without")
    await house.create("empty", Environment={"Variables": {}})
    assert await variables_of(house, "without") is None
    assert await variables_of(house, "empty") == {}
    await house.close()


async def test_publishing_again_still_makes_no_second_version(tmp_path: Path) -> None:
    house = await FiledHouse(tmp_path, Settings()).open()
    await house.create("f", Environment={"Variables": VARIABLES})
    for _ in range(2):
        assert (await house.call("PublishVersion", FunctionName="f"))["Version"] == "1"
    await house.close()


async def test_the_variables_of_one_version_cannot_be_given_to_another(tmp_path: Path) -> None:
    house = await FiledHouse(tmp_path, Settings()).open()
    for name in ("f", "g"):
        await house.create(name, Environment={"Variables": {"NAME": name}})
    steal = "UPDATE versions SET secrets = (SELECT secrets FROM versions WHERE name = 'f') WHERE name = 'g'"
    await house.database.write(lambda tx: tx.run(steal))
    with pytest.raises(SealBroken, match="another version"):
        await variables_of(house, "g")
    await house.close()


def old_files(folder: Path) -> None:
    """What a Lambent without secrets leaves when it is killed: one function, and traces of a deleted one."""
    making = folder.with_name("making")
    making.mkdir(parents=True)
    old = Schema(SCHEMA.package, SCHEMA.migrations[0], SCHEMA.migrations[:BEFORE_SECRETS])
    with closing(connect(making / "lambda.sqlite")) as connection:
        for number, step in enumerate(old.migrations, 1):
            bring_up_to_date(connection, Schema(old.package, step, old.migrations[:number]))
        connection.execute("INSERT INTO code VALUES (?, 1, 1)", ("00" * 32,))
        for name in ("kept", "deleted"):
            key = (ACCOUNT, REGION, name)
            configuration = Configuration("python3.12", "app.handler", "r", "x86_64", "g", variables=VARIABLES)
            record = Version(FunctionKey(*key), 0, f"id-{name}", configuration, "00" * 32, 1, "rev", 0, State.ACTIVE)
            connection.execute("INSERT INTO functions (account, region, name) VALUES (?, ?, ?)", key)
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, 0, ?, 1, 0, ?)",
                (*key, "00" * 32, msgspec.json.encode(record).decode()),
            )
        connection.execute("PRAGMA wal_checkpoint")
        connection.execute("DELETE FROM functions WHERE name = 'deleted'")
        shutil.copytree(making, folder)
    shutil.rmtree(making)


async def test_what_an_older_lambent_kept_in_clear_text_is_sealed_at_the_first_start(tmp_path: Path) -> None:
    house = FiledHouse(tmp_path / "data", Settings())
    old_files(tmp_path / "data" / "db")
    assert len(house.shows(SECRET)) == 2  # the database and its log
    await house.open()
    assert house.shows(SECRET) == []
    assert await variables_of(house, "kept") == VARIABLES
    await house.close()


async def test_a_start_that_was_killed_while_it_sealed_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = FiledHouse(tmp_path / "data", Settings())
    old_files(tmp_path / "data" / "db")

    class Killed(BaseException):
        pass

    async def killed(_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("lambent.store.sqlite.SqliteDatabase.rewrite", killed)
        with pytest.raises(Killed):
            await house.open()
    assert await house.database.read(lambda tx: tx.all("SELECT chore FROM chores")) == [{"chore": "seal"}]
    await house.database.close()
    await house.open()
    assert await house.database.read(lambda tx: tx.all("SELECT chore FROM chores")) == []
    assert house.shows(SECRET) == []
    assert await variables_of(house, "kept") == VARIABLES
    await house.close()
