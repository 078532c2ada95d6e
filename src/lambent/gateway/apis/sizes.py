"""How large the head of a request to an API is. Pure.

Source: API Gateway Developer Guide, the quotas of REST and of HTTP APIs ("total combined size of request line and
header values": 10,240 bytes). That the answer is 431 is what public reports of the service show; its words are RFC
6585's.
"""

from lambent.model.http import HttpRequest

HEAD_TOO_LARGE = "Request Header Fields Too Large"
AROUND = len("  HTTP/1.1")


def head_bytes(request: HttpRequest) -> int:
    """The request line, and the values of the headers; their names do not count."""
    line = len(request.method) + len(request.path) + len(request.query) + AROUND
    return line + sum([len(value) for _, value in request.headers])
