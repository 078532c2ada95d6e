"""A server of one's own for a while: started, waited for, stopped, and nothing left behind.

The quick start, the benchmarks and the acceptance tests all run against one of these, which is
`lambent serve` itself in a process of its own.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from lambent.cli.access import Access, read_access
from lambent.cli.errors import CommandError
from lambent.clock import Clock, SystemClock

SERVE = (sys.executable, "-m", "lambent.cli.main", "serve")
START_LIMIT_S = 120.0  # both on a machine that has far too much to do
STOP_LIMIT_S = 30.0  # `serve` promises 10
POLL_S = 0.05
LONGEST_PLACE = 40  # leaves room for what the parts call their sockets
LAST_WORDS_BYTES = 2000
HEALTH_PATH = "/_lambent/health"


class Server:
    """One `lambent serve` process on `data`; what it logs goes to a file beside that folder."""

    def __init__(self, data: Path, port: int, flags: Sequence[str] = (), program: Sequence[str] = SERVE) -> None:
        self.data, self.endpoint = data, f"http://127.0.0.1:{port}"
        self._clock: Clock = SystemClock()
        self.log_path = data.with_name(data.name + ".log")
        command = [*program, "--data", str(data), "--port", str(port), *flags]
        # A session of its own, so that Ctrl-C reaches us alone and we stop it in order.
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def access(self) -> Access:
        """How to reach it."""
        return read_access(self.data)

    def wait_ready(self) -> None:
        """Return once requests are served.

        Raises:
            CommandError: it ended, or took longer than START_LIMIT_S.
        """
        asyncio.run(self._ready())

    async def _ready(self) -> None:
        deadline_s = self._clock.monotonic_s() + START_LIMIT_S
        while not self._answers():
            if self.process.poll() is not None:
                raise CommandError(f"the server ended with {self.process.returncode}: {self.last_words()}")
            if self._clock.monotonic_s() > deadline_s:
                raise CommandError(f"the server did not answer within {START_LIMIT_S:.0f} s: {self.last_words()}")
            await self._clock.sleep(POLL_S)

    def _answers(self) -> bool:
        if not (self.data / "run" / "endpoint.json").is_file():
            return False
        try:
            with urllib.request.urlopen(self.endpoint + HEALTH_PATH, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:  # urllib's own errors are of this kind
            return False

    def last_words(self) -> str:
        """The end of what it logged, in one line."""
        lines = self.log_path.read_bytes()[-LAST_WORDS_BYTES:].decode("utf-8", "replace").split("\n")
        return " | ".join(line.strip() for line in lines[-8:] if line.strip()) or "it said nothing"

    def stop(self, limit_s: float = STOP_LIMIT_S) -> int:
        """SIGTERM, then SIGKILL for the whole session if that was not enough; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def server_on(data: Path, flags: Sequence[str] = (), program: Sequence[str] = SERVE) -> Iterator[Server]:
    """A ready server on a folder that is yours, stopped afterwards, whatever happened."""
    server = Server(data, free_port(), flags, program)
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def temporary_server(flags: Sequence[str] = (), program: Sequence[str] = SERVE) -> Iterator[Server]:
    """A ready server in a new folder; both are gone afterwards, whatever happened.

    The folder's path is short because a Unix socket's path may have only 107 bytes.
    """
    place = tempfile.gettempdir()
    home = Path(tempfile.mkdtemp(prefix="lambent-", dir=place if len(place) <= LONGEST_PLACE else "/tmp"))  # noqa: S108
    try:
        with server_on(home / "data", flags, program) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM ends this command as Ctrl-C does: by an exception, so that all is cleaned up."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
