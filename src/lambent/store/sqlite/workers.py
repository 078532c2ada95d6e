"""Threads that own a connection each and do the jobs that one event loop gives them.

Jobs wait in one queue; a thread takes what has gathered there, up to a bound, and hands the
whole batch to `serve`, which fills in each job's result. Only then are the answers carried to
the loop, all of a batch in one call. Rejected: an executor with one future a job, which costs
a wake-up of the loop for each, and gives no batch to commit together.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from lambent.errors import Unavailable
from lambent.store.api import Transaction

T = TypeVar("T")
Serve = Callable[[sqlite3.Connection, "list[Job]"], None]


class Job:
    """A unit of work on its way to a thread, and its result on the way back."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any], future: asyncio.Future[Any]) -> None:
        self.work, self.future = work, future
        self.result: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Give the answer to whoever waits; on the loop's thread. A caller that was cancelled is gone."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Workers:
    """Some threads of one kind. Made on the event loop that uses them; it outlives them."""

    def __init__(self, name: str, connections: list[sqlite3.Connection], serve: Serve, *, batch: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._serve, self._batch = serve, batch
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, args=(connection,), name=f"{name}-{number}", daemon=True)
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Queue `work`; the future is settled by the thread that does it.

        Raises:
            Unavailable: these workers were closed.
        """
        if self._closed:
            raise Unavailable("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(Job(work, future))
        return future

    async def close(self) -> None:
        """Do what was queued, close the connections, end the threads; idempotent."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in self._threads))

    def _run(self, connection: sqlite3.Connection) -> None:
        with contextlib.closing(connection):
            going_on = True
            while going_on:
                batch, going_on = self._take()
                if batch:
                    self._do(connection, batch)
                    self._settle(batch)

    def _do(self, connection: sqlite3.Connection, batch: list["Job"]) -> None:
        try:
            self._serve(connection, batch)
        except Exception as error:  # the connection is in trouble: each caller is told, the thread lives on
            for job in batch:
                job.result, job.error = None, error

    def _take(self) -> tuple[list["Job"], bool]:
        """Wait for a job, then take what is there; False when a None said to end after these."""
        batch: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == self._batch:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _settle(self, batch: list["Job"]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody is left to be told
            self._loop.call_soon_threadsafe(_settle_all, batch)


def _settle_all(batch: list[Job]) -> None:
    for job in batch:
        job.settle()
