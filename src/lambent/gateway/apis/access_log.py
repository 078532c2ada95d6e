"""Access logs: a line for each request, in the stage's own format, sent to control in bundles.

A line is kept here until control has it on disk; where control is away, or slower than requests come, the oldest
lines go when there are more than KEPT. A killed edge takes the lines of its last moments with it.

Source: API Gateway Developer Guide, "Customize HTTP API access logs": one line for each request, `$context` variables,
delivered when there is time for it.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.gateway.apis.context import NOTHING, shown, value_of
from lambent.mapping.expressions import member_of
from lambent.model.apis import AccessLog
from lambent.model.messages import AccessLines, LoggedAccess

VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]*[A-Za-z0-9_-])")
QUOTED = "error.messageString"  # is a string in quotes already
KEPT, BUNDLE, PAUSE_S = 100_000, 1_000, 0.1
AccessLine = Callable[[Any], None]
"""Writes the line of a request, a CallContext or what else the API's kind has."""
Write = Callable[[Any], str]
Read = Callable[[str], Callable[[Any], object] | None]
log = structlog.get_logger()


class AccessLogs:
    """Args: send: control's `access_logs`; returns once the lines are on disk."""

    def __init__(self, send: Callable[[AccessLines], Awaitable[None]], clock: Clock) -> None:
        self._send, self._clock = send, clock
        self._lines: deque[LoggedAccess] = deque(maxlen=KEPT)
        self._task: asyncio.Task[None] | None = None

    def line_of(self, settings: AccessLog, stream: str, read: Read = value_of) -> AccessLine:
        """What writes the line of a request to a stage. `read` gives what reads a variable of a request."""
        write = formatter(settings.format, read)
        return lambda call: self._add(LoggedAccess(settings.group_arn, stream, self._clock.now_ms(), write(call)))

    def _add(self, line: LoggedAccess) -> None:
        self._lines.append(line)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Send what is there; ends when there is nothing more."""
        while self._lines:
            await self._clock.sleep(PAUSE_S)
            bundle = [self._lines.popleft() for _ in range(min(BUNDLE, len(self._lines)))]
            try:
                await self._send(AccessLines(bundle))
            except Unavailable:
                self._lines.extendleft(reversed(bundle[: KEPT - len(self._lines)]))
            except ServiceError as error:  # these cannot be written; those that come after them may be
                log.error(f"lines of access logs are lost: {error}", action="api.access_log", lines=len(bundle))

    async def close(self) -> None:
        """Send what is left, while control is there."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2.0)
            self._task.cancel()


def from_tree(name: str) -> Callable[[Mapping[str, Any]], object]:
    """What reads `$context.NAME` where a request is a tree of maps."""
    return lambda known: member_of(known, name)


def formatter(text: str, read: Read = value_of) -> Write:
    """What makes the line of a request."""
    pieces: list[Write] = []
    at = 0
    for found in VARIABLE.finditer(text):
        pieces += [_plain(text[at : found.start()]), _piece(found[1], read)]
        at = found.end()
    pieces.append(_plain(text[at:]))
    return lambda call: "".join(piece(call) for piece in pieces)


def _plain(text: str) -> Write:
    return lambda _: text


def _piece(name: str, read: Read) -> Write:
    value = read(name)
    if value is None:
        return _plain(NOTHING)
    if name == QUOTED:
        return lambda call: shown(value(call))
    return lambda call: _inside_line(shown(value(call)))


def _inside_line(text: str) -> str:
    """A value that cannot end the line, nor the JSON string that it may stand in."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\u{ord(char):04x}" for char in text
    )
