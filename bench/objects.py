"""Objects in numbers: small PUTs and GETs a second, and long streams, beside plain file copy as the limit.

    .venv/bin/python bench/objects.py [--mib 512] [--small 2000] [--workers 8] [--peer URL]

With --peer, another S3 server that knows the key test/test is measured first, in the same way.

Prints the resident memory of every part after the streams too: it has to be what it was before them.
"""

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from botocore.config import Config

from command import how_many, parser, run
from lambent.cli.access import Access, session
from lambent.cli.server import temporary_server

MIB = 1024 * 1024
local = threading.local()


def client_of(access: Access) -> Any:
    """A client of this thread's own."""
    if not hasattr(local, "client"):
        config = Config(signature_version="s3v4")
        local.client = session(access).client("s3", endpoint_url=access.endpoint, config=config)
    return local.client


def rate(name: str, count: int, workers: int, work: Callable[[int], Any]) -> None:
    """Run `work` so often, and say how many a second."""
    begin_s = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(count)))
    print(f"{name:<42} {count / (time.perf_counter() - begin_s):10.0f} /s")


def stream(name: str, size: int, work: Callable[[], Any]) -> None:
    """Run `work` once, and say how many mebibytes a second."""
    begin_s = time.perf_counter()
    work()
    print(f"{name:<42} {size / MIB / (time.perf_counter() - begin_s):10.0f} MiB/s")


def memory(data: Path | None) -> str:
    """Resident memory of the processes of a server of ours, in MiB."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if data is not None and str(data).encode() in (entry / "cmdline").read_bytes():
                pages = int((entry / "statm").read_text().split()[1])
                found.append(pages * os.sysconf("SC_PAGE_SIZE") // MIB)
        except OSError:
            continue
    return " ".join(map(str, sorted(found)))


def copied(source: Path, target: Path) -> None:
    """The limit: a copy that is on disk."""
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, MIB)
        os.fsync(write.fileno())


def blocks(path: Path) -> Any:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while block := file.read(MIB):
            yield block


def fetched(url: str) -> None:
    """A GET that throws away what it gets."""
    with httpx.stream("GET", url, timeout=300) as answer:
        for _ in answer.iter_raw(MIB):
            pass


def measure(access: Access, options: argparse.Namespace, folder: Path, data: Path | None) -> None:
    """All rows."""
    print(access.endpoint)
    s3 = client_of(access)
    s3.create_bucket(Bucket="bench")
    small = os.urandom(1024)
    rate("PUT 1 KiB", options.small, options.workers, lambda number: client_of(access).put_object(
        Bucket="bench", Key=f"small/{number}", Body=small))  # fmt: skip
    rate("GET 1 KiB", options.small, options.workers, lambda number: client_of(access).get_object(
        Bucket="bench", Key=f"small/{number}")["Body"].read())  # fmt: skip
    size, source = options.mib * MIB, folder / "source"
    with source.open("wb") as file:
        for _ in range(options.mib):
            file.write(os.urandom(MIB))
    print(f"resident MiB of the parts before: {memory(data)}")
    put, get = (
        s3.generate_presigned_url(name, Params={"Bucket": "bench", "Key": "large"})
        for name in ("put_object", "get_object")
    )
    stream("file copy with fsync (the limit)", size, lambda: copied(source, folder / "copy"))
    length = {"content-length": str(size)}
    stream("PUT, one stream", size, lambda: httpx.put(
        put, content=blocks(source), headers=length, timeout=300).raise_for_status())  # fmt: skip
    stream("GET, one stream", size, lambda: fetched(get))
    stream("boto3 upload_file, in parts", size, lambda: s3.upload_file(str(source), "bench", "parts"))
    stream("boto3 download_file, in ranges", size, lambda: s3.download_file("bench", "parts", str(folder / "copy")))
    print(f"resident MiB of the parts after:  {memory(data)}")


def main() -> None:
    """Measure on a server of our own."""
    flags = parser(__doc__)
    flags.add_argument("--mib", type=how_many, default=512)
    flags.add_argument("--small", type=how_many, default=2000)
    flags.add_argument("--workers", type=how_many, default=8)
    flags.add_argument("--peer", metavar="URL")
    options = flags.parse_args()
    if options.peer:
        with tempfile.TemporaryDirectory() as folder:
            measure(Access(options.peer, "us-east-1", "test", "test"), options, Path(folder), None)
        local.__dict__.clear()
    with temporary_server() as server, tempfile.TemporaryDirectory() as folder:
        measure(server.access, options, Path(folder), server.data)


if __name__ == "__main__":
    run(main)
