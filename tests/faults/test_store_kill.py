"""A process that writes is killed with SIGKILL at random moments: nothing it acknowledged is missing.

The child prints the number of each write, or the digest of each blob, after the store said that it
is kept; the parent kills it after a random count of lines, over and over on the same files.
"""

import hashlib
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lambent.store.blobs import open_blobs

ROUNDS = 6
WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from lambent.store.sql import Schema
from lambent.store.sqlite import open_sqlite

SCHEMA = Schema("tests", "CREATE TABLE a (id INTEGER PRIMARY KEY, body BLOB);")

async def main(path, first):
    database = await open_sqlite(path, SCHEMA)
    numbers = itertools.count(first)

    async def keep_writing():
        while True:
            number = next(numbers)
            await database.write(
                lambda tx: tx.run("INSERT INTO a VALUES (:id, :body)", id=number, body=bytes(number % 2000))
            )
            print(number, flush=True)

    await asyncio.gather(*(keep_writing() for _ in range(16)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""
PUTTER = """
import asyncio, os, sys
from pathlib import Path
from lambent.store.blobs import open_blobs

async def main(path):
    blobs = await open_blobs(path)

    async def keep_putting():
        while True:
            print(await blobs.put(os.urandom(200_000)), flush=True)

    await asyncio.gather(*(keep_putting() for _ in range(4)))

asyncio.run(main(Path(sys.argv[1])))
"""


def acknowledged_before_kill(program: str, arguments: list[str], lines: int) -> list[str]:
    """Run `program`, kill it once it has printed `lines` lines, and give every whole line it printed."""
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        printed = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        printed += child.stdout.readlines()
    assert all(printed[:lines]), "the child ended by itself"
    return [line.strip() for line in printed if line.endswith("\n")]


@pytest.mark.slow
def test_no_acknowledged_write_is_lost_and_the_database_stays_whole(tmp_path: Path) -> None:
    path, kept = tmp_path / "a.db", set[int]()
    chance = random.Random(20_26)
    for number in range(ROUNDS):
        first = 1_000_000 * number
        lines = acknowledged_before_kill(WRITER, [str(path), str(first)], chance.randint(1, 400))
        kept |= {int(line) for line in lines}
        with closing(sqlite3.connect(path)) as connection:
            found = dict(connection.execute("SELECT id, length(body) FROM a"))
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert kept <= found.keys()
        assert all(length == id_ % 2000 for id_, length in found.items())


@pytest.mark.slow
async def test_every_acknowledged_blob_is_whole_and_no_half_of_one_remains(tmp_path: Path) -> None:
    kept, chance = set[str](), random.Random(1)
    for _ in range(ROUNDS):
        kept |= set(acknowledged_before_kill(PUTTER, [str(tmp_path)], chance.randint(1, 40)))
        blobs = await open_blobs(tmp_path)
        for digest in kept:
            assert hashlib.sha256(await blobs.get(digest)).hexdigest() == digest
        for file in (file for file in tmp_path.rglob("*") if file.is_file()):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
