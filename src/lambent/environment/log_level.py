"""The application log level, for what a function wrote without its runtime's logger. Pure.

With logs in JSON, a line that is a JSON object has the level that its member `level` names, or INFO; what is below the
function's ApplicationLogLevel is not kept. Text passes, and metrics in the embedded format, which are no log. Whoever
subscribed to telemetry hears all of it.

Source: Lambda Developer Guide, "Log-level filtering". AWS takes INFO too where such an object has no valid timestamp;
here its level counts nevertheless, so that nobody loses what was called an error.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

LEVELS = {name: place for place, name in enumerate(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))}
RANKS = {**LEVELS, "WARNING": LEVELS["WARN"], "CRITICAL": LEVELS["FATAL"]}


class Logged(Struct):
    """What matters of a line."""

    level: Any = None
    metrics: msgspec.Raw | None = field(default=None, name="_aws")


_logged = msgspec.json.Decoder(Logged).decode


def is_kept(line: bytes, least: str) -> bool:
    """Whether a function whose ApplicationLogLevel is `least` ("" for logs in text) keeps `line`."""
    if LEVELS.get(least, 0) == 0 or not line.lstrip().startswith(b"{"):
        return True
    try:
        logged = _logged(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    level = logged.level.upper() if isinstance(logged.level, str) else ""
    return logged.metrics is not None or RANKS.get(level, LEVELS["INFO"]) >= LEVELS[least]
