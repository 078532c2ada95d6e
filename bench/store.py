"""How many durable writes a second the embedded database acknowledges, alone and together.

    .venv/bin/python bench/store.py [--seconds 3] [--folder DIR]

Each write is one INSERT of 200 bytes whose caller waits until it is synced. Writers that wait
together share a commit, so 64 of them should do many times what one does. Uses uvloop, as the
platform does.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from command import parser, run
from lambent.store.sql import Schema
from lambent.store.sqlite import SqliteDatabase, open_sqlite

SCHEMA = Schema("bench", "CREATE TABLE a (id INTEGER PRIMARY KEY, body BLOB NOT NULL);")
INSERT = "INSERT INTO a (body) VALUES (:body)"


async def writes_per_s(database: SqliteDatabase, writers: int, seconds: float) -> float:
    """Acknowledged writes a second by that many concurrent writers."""
    end_s = time.perf_counter() + seconds

    async def keep_writing() -> int:
        count = 0
        while time.perf_counter() < end_s:
            await database.write(lambda tx: tx.run(INSERT, body=bytes(200)))
            count += 1
        return count

    start_s = time.perf_counter()
    counts = await asyncio.gather(*(keep_writing() for _ in range(writers)))
    return sum(counts) / (time.perf_counter() - start_s)


async def reads_per_s(database: SqliteDatabase, seconds: float) -> float:
    """Reads of one row by key a second, one after the other."""
    start_s, count = time.perf_counter(), 0
    while time.perf_counter() < start_s + seconds:
        await database.read(lambda tx: tx.one("SELECT * FROM a WHERE id = :id", id=1))
        count += 1
    return count / (time.perf_counter() - start_s)


async def measure(folder: Path, seconds: float) -> None:
    database = await open_sqlite(folder / "bench.db", SCHEMA)
    for writers in (1, 8, 64, 256):
        print(f"{writers:4d} writers {await writes_per_s(database, writers, seconds):10.0f} writes/s")
    print(f"   1 reader  {await reads_per_s(database, seconds):10.0f} reads/s")
    await database.close()


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=float, default=3.0)
    flags.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    chosen = flags.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as temporary:
        uvloop.run(measure(Path(temporary), chosen.seconds))


if __name__ == "__main__":
    run(main)
