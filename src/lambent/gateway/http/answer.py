"""An HttpResponse as bytes on the wire. Pure."""

from http import HTTPStatus

from lambent.model.http import HttpResponse

REASONS = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES = {code: f"HTTP/1.1 {code} {phrase}\r\n" for code, phrase in REASONS.items()}
BODILESS = frozenset({204, 304})


def head_of(response: HttpResponse, *, keep_alive: bool) -> bytes:
    """Status line and headers, with Content-Length unless the status forbids a body.

    Header values are cut at the first line break: an answer cannot be split in two.
    """
    status = response.status
    lines = [STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"]
    has_length = False
    for name, value in response.headers:
        if "\r" in value or "\n" in value:
            value = value.replace("\r", " ").replace("\n", " ")  # noqa: PLW2901
        if name.lower() == "content-length":
            has_length = True
        lines.append(f"{name}: {value}\r\n")
    if not has_length and status not in BODILESS:
        lines.append(f"content-length: {len(response.body)}\r\n")
    if not keep_alive:
        lines.append("connection: close\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1", "replace")


def bytes_of(response: HttpResponse, *, keep_alive: bool, head_only: bool = False) -> bytes:
    """The whole answer; `head_only` leaves the body out, as HEAD asks."""
    head = head_of(response, keep_alive=keep_alive)
    if head_only or response.status in BODILESS:
        return head
    return head + response.body
