"""An HTTP request and its answer, as plain values. Nobody below the gateway opens a socket."""

from msgspec import Struct


class HttpRequest(Struct):
    """One request, whole.

    `path` and `query` are as they stood on the request line (still percent-encoded, `query`
    without its `?`); header names are lower-case, in order, repeated ones repeated. `names` are
    those names as the client wrote them, for who has to show them so. `trailers` came behind the body; of a body
    that is still to come they are there once it has ended.
    """

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    names: list[str] = []
    trailers: list[tuple[str, str]] = []

    def header(self, name: str, default: str = "") -> str:
        """The first header called `name` (lower-case)."""
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def trailer(self, name: str) -> str:
        """The first trailer called `name` (lower-case), or nothing."""
        return next((value for key, value in self.trailers if key == name), "")


class Outgoing(Struct, frozen=True):
    """A request that this server sends to another. Of the answer no more than `most_bytes` are read; `server_name` is
    whose certificate is wanted, where it is not the URL's host."""

    method: str
    url: str
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    timeout_s: float = 15.0
    most_bytes: int = 0
    server_name: str = ""


class HttpResponse(Struct):
    """One answer, whole; streamed answers have their own road."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
