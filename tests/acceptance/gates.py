"""Functions that stand still until a test lets them go on: then no clock decides who meets whom.

A gate is a folder on the file system that a test's server lends. A function that comes to it leaves a file there, and
looks for the one that the test makes in the end. So "six at once" is six at once, however slow the machine is.
"""

import os
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WAIT_S, POLL_S = 120.0, 0.02
MOUNT = "/mnt/gates"
# What a handler in Python calls with the gate that its event names.
STAND = f"""
def stand(gate):
    import os, time, uuid
    open(f"{MOUNT}/{{gate}}/{{uuid.uuid4().hex}}", "w").close()
    while not os.path.exists(f"{MOUNT}/{{gate}}/open"):
        time.sleep({POLL_S})
"""


class Gate:
    """One gate, shut until the `with` block is left or `open` is called."""

    def __init__(self, lent: Path) -> None:
        self.name = uuid.uuid4().hex
        self._folder = lent / self.name
        self._folder.mkdir()
        os.chown(self._folder, lent.stat().st_uid, lent.stat().st_gid)  # functions write there as its owner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open()

    def open(self) -> None:
        """Let go on who stands here, and who comes later."""
        (self._folder / "open").touch()

    def standing(self) -> int:
        """How many have come so far."""
        return sum(each.name != "open" for each in self._folder.iterdir())

    def meet(self, calls: Sequence["Future[Any]"]) -> None:
        """Return once of each call it is known whether its function stands here or it was answered."""
        deadline_s = time.monotonic() + WAIT_S
        while self.standing() + sum(call.done() for call in calls) < len(calls):
            assert time.monotonic() < deadline_s, f"{self.standing()} stand here after {WAIT_S:.0f} s"
            threading.Event().wait(POLL_S)
