"""What a connection is held to, and the values that it and the server share."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from msgspec import Struct

from lambent.gateway.http.streams import Body, Response
from lambent.model.http import HttpRequest

HEADERS_MAX = 1000
TOO_LONG = "the request line and headers are too long"

Streams = Callable[[HttpRequest], bool]


class Handler(Protocol):
    """Who answers requests."""

    def __call__(
        self, request: HttpRequest, source_ip: str, respond: Callable[[Response], object], body: Body | None, /
    ) -> None:
        """Have `respond` called once, now or later. Never raises."""


class Limits(Struct, frozen=True):
    """What one connection may use. Times in seconds, sizes in bytes."""

    head_bytes: int = 1024 * 1024
    body_bytes: int = 72 * 1024 * 1024
    head_s: float = 30.0
    body_idle_s: float = 60.0
    keep_alive_s: float = 120.0


class Served(NamedTuple):
    """What the connections of a server have in common. `streams` says of a request, whose body is still empty, whether
    it is to come as a stream; `date` gives the line that says when an answer was made."""

    handler: Handler
    limits: Limits
    streams: Streams | None = None
    date: Callable[[], str] = str


class Refused(Exception):
    """The request cannot be taken: `status` and words for the client, then the connection ends."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Arrived(NamedTuple):
    """A request that waits for its turn."""

    request: HttpRequest
    keep_alive: bool
    body: Body | None
    held_bytes: int = 0  # of the connection's room
