"""What leads into an environment besides the channel: the Runtime API, for runtimes that speak HTTP and extensions.

The listener is made in here, so that it lives in the environment's own network namespace, and is handed to the
platform, which answers on it. Where there are external extensions, their supervisor (see `supervisor`) gets a socket
to the platform, and they get an output pipe of their own.

Source: Lambda Developer Guide, "Using the Lambda Extensions API" (/opt/extensions; each file there is one).
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

ADDRESS, PORT = "127.0.0.1", 9001
EXTENSIONS = "/opt/extensions"
BACKLOG = 128
MOST_SUBSCRIBERS = 11  # of 10 extensions, one has two
WORDS, OUTPUT = 4, 5  # where the supervisor keeps its ends


class Doors:
    """What was opened; empty where nobody needs it."""

    def __init__(self) -> None:
        self.port = 0
        self.extensions: list[str] = []
        self._listener: socket.socket | None = None
        self._words: tuple[socket.socket, socket.socket] | None = None
        self._output: tuple[int, int] | None = None
        self._sockets: list[socket.socket] = []

    def open_listener(self, port: int) -> None:
        """The Runtime API's address."""
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind((ADDRESS, port))
        self._listener.listen(BACKLOG)
        self.port = self._listener.getsockname()[1]
        os.environ["AWS_LAMBDA_RUNTIME_API"] = f"{ADDRESS}:{self.port}"

    def open_for_supervisor(self) -> None:
        """Its socket and the extensions' pipe."""
        self._words = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._output = os.pipe()

    def make_sockets(self) -> None:
        """One for each that may subscribe to telemetry: the platform reaches them from in here with these."""
        count = min(MOST_SUBSCRIBERS, 1 + len(self.extensions))
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]

    def theirs(self) -> list[int]:
        """The platform's ends."""
        ends = [] if self._listener is None else [self._listener.fileno()]
        if self._words is not None and self._output is not None:
            ends += [self._words[0].fileno(), self._output[0]]
        return ends + [each.fileno() for each in self._sockets]

    def take_places(self) -> tuple[int, int]:
        """Our ends of socket and pipe, at their places; -1 where there are none."""
        if self._words is None or self._output is None:
            return -1, -1
        words, output = os.dup(self._words[1].fileno()), os.dup(self._output[1])
        for number, end in ((WORDS, words), (OUTPUT, output)):
            os.dup2(end, number, inheritable=False)
        return WORDS, OUTPUT


def open_for(spec: dict[str, Any], *, walled: bool) -> Doors:
    """What the environment that `spec` describes needs.

    Raises:
        ValueError: extensions, or what a wrapper has started, cannot be in a snapshot.
    """
    opened = Doors()
    has_opt = walled and (spec["layers"] or spec["container"])
    opened.extensions = find_extensions() if has_opt else []
    if opened.extensions and (spec["pausing"] or spec["image"]):
        raise ValueError("SnapStart is not possible with external extensions: their processes cannot be in a snapshot.")
    if spec["boot"] and (spec["pausing"] or spec["image"]):
        raise ValueError("SnapStart is not possible with AWS_LAMBDA_EXEC_WRAPPER: what that starts is no fork of ours.")
    if spec["programs"] or spec["container"] or (has_opt and not spec["pausing"] and not spec["image"]):
        opened.open_listener(PORT if walled else 0)
        opened.make_sockets()
    if opened.extensions:
        opened.open_for_supervisor()
    return opened


def find_extensions() -> list[str]:
    """The external extensions of this environment, by the names that they register with."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(EXTENSIONS) as entries:
        return sorted(entry.name for entry in entries if not entry.is_dir())
    return []
