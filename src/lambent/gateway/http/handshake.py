"""The opening of a WebSocket connection: what a client has to ask, and how it is answered. Pure.

Source: RFC 6455, section 4.2. No extension is ever agreed to.
"""

import base64
import binascii

from websockets.utils import accept_key

from lambent.model.http import HttpRequest, HttpResponse

VERSION = "13"
TEXT = [("content-type", "text/plain")]
PROTOCOL = "sec-websocket-protocol"


def is_handshake(request: HttpRequest) -> bool:
    """Whether the client wants a WebSocket; whether it asks rightly is another question."""
    return request.header("upgrade").lower() == "websocket"


def complaint_about(request: HttpRequest) -> HttpResponse | None:
    """The answer to a handshake that cannot be taken up; None for one that can."""
    if not is_handshake(request) or "upgrade" not in tokens(request, "connection", lower=True):
        return HttpResponse(426, [*TEXT, ("upgrade", "websocket"), ("connection", "upgrade")], b"this is a WebSocket\n")
    if request.method != "GET":
        return HttpResponse(405, [*TEXT, ("allow", "GET")], b"a WebSocket is opened by GET\n")
    if request.header("sec-websocket-version") != VERSION:
        return HttpResponse(426, [*TEXT, ("sec-websocket-version", VERSION)], b"only version 13 of the protocol\n")
    if request.body:
        return HttpResponse(400, TEXT, b"a handshake has no body\n")
    if not _is_key(request.header("sec-websocket-key")):
        return HttpResponse(400, TEXT, b"Sec-WebSocket-Key is not 16 bytes in base64\n")
    return None


def opening(request: HttpRequest, subprotocol: str = "") -> list[tuple[str, str]]:
    """The headers of the 101 that takes a handshake up."""
    headers = [("upgrade", "websocket"), ("connection", "upgrade")]
    headers.append(("sec-websocket-accept", accept_key(request.header("sec-websocket-key"))))
    return headers + ([(PROTOCOL, subprotocol)] if subprotocol else [])


def tokens(request: HttpRequest, name: str, *, lower: bool = False) -> list[str]:
    """What a header lists, over all its lines."""
    listed = ",".join(value for key, value in request.headers if key == name)
    found = [each.strip() for each in listed.split(",")]
    return [each.lower() if lower else each for each in found if each]


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
