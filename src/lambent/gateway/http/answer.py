"""An HttpResponse as bytes on the wire. Pure.

`date` is the line that says when (date.py); an answer that has a Date of its own, as a function may give it, keeps
that one.
"""

from http import HTTPStatus

from lambent.gateway.http.streams import Framing, StreamedResponse, Upgrade
from lambent.model.http import HttpResponse

REASONS = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES = {code: f"HTTP/1.1 {code} {phrase}\r\n" for code, phrase in REASONS.items()}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = frozenset({204, 304})


def bytes_of(response: HttpResponse, date: str = "", *, keep_alive: bool, head_only: bool = False) -> bytes:
    """The whole answer; `head_only` leaves the body out, as HEAD asks."""
    head = _dated(_head(response.status, response.headers), date)
    if response.status not in BODILESS and "\r\ncontent-length: " not in head.lower():
        head += f"content-length: {len(response.body)}\r\n"
    whole = _closed(head, keep_alive=keep_alive)
    return whole if head_only or response.status in BODILESS else whole + response.body


def refusal(status: int, words: str, date: str = "") -> bytes:
    """The whole last answer to a client that breaks a rule."""
    said = HttpResponse(status, [("content-type", "text/plain")], f"{words}\n".encode())
    return bytes_of(said, date, keep_alive=False)


def streamed_head(response: StreamedResponse, framing: Framing, date: str = "", *, keep_alive: bool) -> bytes:
    """Status line and headers of an answer whose body follows as `framing` says."""
    head = _dated(_head(response.status, response.headers), date)
    if framing.chunked and response.status not in BODILESS:
        head += "transfer-encoding: chunked\r\n"
    return _closed(head, keep_alive=keep_alive)


def upgrade_head(response: Upgrade) -> bytes:
    """Status line and headers of a change of protocols."""
    return (_head(response.status, response.headers) + "\r\n").encode("latin-1", "replace")


def _head(status: int, headers: list[tuple[str, str]]) -> str:
    """Line breaks in values become spaces: an answer cannot be split in two."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        lines = "".join([f"{_one_line(name)}: {_one_line(value)}\r\n" for name, value in headers])
    return (STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n") + lines


def _dated(head: str, date: str) -> str:
    return head if "\r\ndate: " in head.lower() else head + date


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _closed(head: str, *, keep_alive: bool) -> bytes:
    return (head + ("\r\n" if keep_alive else "connection: close\r\n\r\n")).encode("latin-1", "replace")
