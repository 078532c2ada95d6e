"""The execution log of a trial: what came, what was sent on, what came back. Pure.

Source: API Gateway Developer Guide, "Use the API Gateway console to test a REST API method": the lines of its example,
their times and the way in which maps are written.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST_SHOWN = 1024
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def asked(uri: str, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What an integration, or an authorizer's function, is sent."""
    return [
        f"Endpoint request URI: {uri}",
        f"Endpoint request headers: {shown_map(headers)}",
        f"Endpoint request body after transformations: {shown_body(body)}",
        f"Sending request to {uri}",
    ]


def came_back(status: int, latency_ms: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What it answered."""
    return [
        f"Received response. Status: {status}, Integration latency: {latency_ms} ms",
        f"Endpoint response headers: {shown_map(headers)}",
        f"Endpoint response body before transformations: {shown_body(body)}",
    ]


def whole(request_id: str, now_ms: int, lines: list[str]) -> str:
    """The log."""
    when = time_of(now_ms)
    return "\n".join([f"Execution log for request {request_id}", *(f"{when} : {line}" for line in lines)]) + "\n"


def shown_map(values: Mapping[str, str]) -> str:
    """`{a=b, c=d}`."""
    return f"{{{', '.join(f'{name}={value}' for name, value in values.items())}}}"


def shown_body(body: bytes) -> str:
    """Its beginning."""
    text = body.decode("utf-8", "replace")
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} [TRUNCATED]"


def time_of(epoch_ms: int) -> str:
    """`Mon Aug 05 08:14:39 UTC 2022`, whatever the process's locale is."""
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{DAYS[moment.weekday()]} {MONTHS[moment.month - 1]} {moment.day:02d} {moment:%H:%M:%S} UTC {moment.year}"
