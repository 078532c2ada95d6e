"""The JSON paths that EventBridge knows: `$`, `.name`, `['name']`, `[3]`, `[*]` and `.*`. Pure.

Source: EventBridge User Guide, "Input transformation": dots, dashes, underscores, slashes, letters and
digits, array indices, wildcards; the Target's InputPath also takes brackets. A wildcard gathers a list.
"""

import re
from typing import Any

from lambent.errors import LambentError

MISSING: Any = object()
_STEP = re.compile(
    r"\.(?P<name>[^.\[\]'\"\s*$]+)|\.(?P<star>\*)|\[(?P<index>\d{1,9})\]|\[(?P<stars>\*)\]"
    r"|\['(?P<single>[^']*)'\]|\[\"(?P<double>[^\"]*)\"\]",
    re.ASCII,
)

Step = str | int | None  # None is a wildcard
Steps = tuple[Step, ...]


class InvalidPath(LambentError):
    """The text is no path that EventBridge knows."""


def parse_path(text: str) -> Steps:
    """The steps of a path. Raises InvalidPath."""
    if not text.startswith("$"):
        raise InvalidPath(text)
    at, steps = 1, list[Step]()
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise InvalidPath(text)
        at = match.end()
        if match["star"] or match["stars"]:
            steps.append(None)
        elif match["index"]:
            steps.append(int(match["index"]))
        else:
            steps.append(next(name for name in (match["name"], match["single"], match["double"]) if name is not None))
    return tuple(steps)


def value_at(value: Any, steps: Steps) -> Any:
    """What the path leads to in a decoded document; MISSING when it leads nowhere."""
    for number, step in enumerate(steps):
        if step is None:
            inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
            found = (value_at(each, steps[number + 1 :]) for each in inner)
            return [each for each in found if each is not MISSING]
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return MISSING
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return MISSING
    return value
