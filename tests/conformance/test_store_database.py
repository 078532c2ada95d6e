"""What every `Database` promises, whatever lies beneath. Source: the contract in lambent/store/api.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lambent.errors import Unavailable
from lambent.store.api import Conflict, Database, Row, StoreFailed, Transaction
from lambent.store.memory import open_memory
from lambent.store.sql import Schema
from lambent.store.sqlite import open_sqlite

SCHEMA = Schema(
    "tests",
    """
    CREATE TABLE owner (name TEXT PRIMARY KEY) STRICT;
    CREATE TABLE pet (
        name TEXT PRIMARY KEY,
        owner TEXT REFERENCES owner (name),
        weight REAL,
        picture BLOB
    ) STRICT;
    """,
)
ADD = "INSERT INTO pet (name, owner, weight, picture) VALUES (:name, :owner, :weight, :picture)"


@pytest.fixture(params=["memory", "sqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened: Database
    if request.param == "memory":
        opened = await open_memory(SCHEMA)
    else:
        opened = await open_sqlite(tmp_path / "db" / "pets.db", SCHEMA)
    yield opened
    await opened.close()


def add(tx: Transaction, name: str, owner: str | None = None) -> int:
    return tx.run(ADD, name=name, owner=owner, weight=1.5, picture=b"\x00\xff")


def names(tx: Transaction) -> list[str]:
    return [row["name"] for row in tx.all("SELECT name FROM pet ORDER BY name")]


async def test_what_was_written_is_read_back_with_its_types(database: Database) -> None:
    assert await database.write(lambda tx: add(tx, "rex")) == 1
    row = await database.read(lambda tx: tx.one("SELECT * FROM pet WHERE name = :name", name="rex"))
    assert row == {"name": "rex", "owner": None, "weight": 1.5, "picture": b"\x00\xff"}


async def test_one_is_none_when_nothing_matches(database: Database) -> None:
    assert await database.read(lambda tx: tx.one("SELECT * FROM pet")) is None


async def test_run_tells_how_many_rows_it_changed(database: Database) -> None:
    await database.write(lambda tx: [add(tx, name) for name in ("a", "b", "c")])
    changed = await database.write(lambda tx: tx.run("UPDATE pet SET weight = 2 WHERE name <> 'a'"))
    assert changed == 2
    assert await database.write(lambda tx: tx.run("DELETE FROM pet WHERE name = 'nobody'")) == 0


async def test_a_statement_may_change_rows_and_return_them(database: Database) -> None:
    def adopt(tx: Transaction) -> Row | None:
        return tx.one("INSERT INTO pet (name) VALUES ('rex'), ('mia') RETURNING name")

    assert await database.write(adopt) == {"name": "rex"}
    assert await database.read(names) == ["mia", "rex"]


async def test_run_many_runs_once_for_each_set_of_parameters(database: Database) -> None:
    rows = [{"name": str(n), "owner": None, "weight": n, "picture": None} for n in range(10)]
    await database.write(lambda tx: tx.run_many(ADD, rows))
    assert len(await database.read(names)) == 10


async def test_a_work_that_raises_leaves_nothing_and_its_error_comes_out(database: Database) -> None:
    def fails(tx: Transaction) -> None:
        add(tx, "rex")
        raise LookupError("changed my mind")

    with pytest.raises(LookupError, match="changed my mind"):
        await database.write(fails)
    assert await database.read(names) == []


async def test_works_that_arrive_together_fail_alone(database: Database) -> None:
    def work(number: int) -> Callable[[Transaction], int]:
        def inner(tx: Transaction) -> int:
            add(tx, f"pet-{number:02d}")
            if number % 3 == 0:
                raise ValueError(number)
            return number

        return inner

    works = [database.write(work(number)) for number in range(30)]
    results = await asyncio.gather(*works, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, ValueError)] == list(range(0, 30, 3))
    assert [result for result in results if not isinstance(result, ValueError)] == [n for n in range(30) if n % 3]
    assert await database.read(names) == [f"pet-{n:02d}" for n in range(30) if n % 3]


async def test_a_broken_constraint_is_a_conflict_and_the_work_may_go_on(database: Database) -> None:
    def work(tx: Transaction) -> None:
        add(tx, "rex")
        with pytest.raises(Conflict):
            add(tx, "rex")
        with pytest.raises(Conflict):
            add(tx, "mia", owner="nobody")
        add(tx, "tom")

    await database.write(work)
    assert await database.read(names) == ["rex", "tom"]


async def test_a_wrong_statement_is_a_failure_of_the_store(database: Database) -> None:
    with pytest.raises(StoreFailed):
        await database.write(lambda tx: tx.run("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StoreFailed):
        await database.read(lambda tx: tx.all("SELECT :missing"))


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StoreFailed):
        await database.read(lambda tx: add(tx, "rex"))
    assert await database.read(names) == []


async def test_each_write_is_visible_to_the_reads_after_it(database: Database) -> None:
    async def write_then_read(name: str) -> bool:
        await database.write(lambda tx: add(tx, name))
        return name in await database.read(names)

    assert all(await asyncio.gather(*(write_then_read(str(n)) for n in range(40))))


async def test_writes_are_done_in_the_order_in_which_they_were_asked_for(database: Database) -> None:
    numbers: list[int] = []
    await asyncio.gather(*(database.write(lambda tx, n=n: numbers.append(n)) for n in range(100)))  # type: ignore[misc]
    assert numbers == list(range(100))


async def test_close_finishes_what_was_accepted_and_refuses_the_rest(database: Database) -> None:
    accepted = [asyncio.ensure_future(database.write(lambda tx, n=n: add(tx, str(n)))) for n in range(20)]  # type: ignore[misc]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*accepted) == [1] * 20
    with pytest.raises(Unavailable):
        await database.write(lambda tx: add(tx, "late"))
    with pytest.raises(Unavailable):
        await database.read(names)
    await database.close()


async def test_a_caller_that_goes_away_disturbs_nobody(database: Database) -> None:
    leaving = asyncio.ensure_future(database.write(lambda tx: add(tx, "rex")))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await database.write(lambda tx: add(tx, "mia"))
    assert "mia" in await database.read(names)


async def test_a_rewritten_database_holds_what_it_held(database: Database) -> None:
    await database.write(lambda tx: [add(tx, name) for name in ("a", "b")])
    await database.write(lambda tx: tx.run("DELETE FROM pet WHERE name = 'a'"))
    await database.rewrite()
    assert await database.read(names) == ["b"]
    await database.write(lambda tx: add(tx, "c"))
    assert await database.read(names) == ["b", "c"]


async def test_what_was_deleted_cannot_be_read_in_a_rewritten_file(tmp_path: Path) -> None:
    database = await open_sqlite(tmp_path / "pets.db", SCHEMA)
    await database.write(lambda tx: [add(tx, f"lassie{number}") for number in range(500)])
    await database.write(lambda tx: tx.run("DELETE FROM pet"))
    assert b"lassie" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await database.rewrite()
    assert b"lassie" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    await database.close()
