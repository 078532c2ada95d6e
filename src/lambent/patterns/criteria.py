"""The filter criteria of event source mappings: patterns over records whose data field is text.

A record's data (`body` of SQS, `data` of Kinesis, `value` of Kafka) may be JSON or not, and so may the
pattern's. They have to agree: a pattern that looks into the data does not want text that is no JSON
object, and one that names strings does not want a JSON object. A pattern without the data field
does not care.

Source: Lambda Developer Guide, "Control which events Lambda sends to your function", "Filtering
with Amazon SQS" (the table of proper filtering).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from lambent.patterns.match import Pattern, compile_pattern


class FilterCriteria:
    """Wanted is what any of the patterns wants; without patterns, everything.

    Args:
        patterns: the Pattern of each Filter. Raises InvalidPattern.
        data: the name of the field that holds text to look into; "" where records are plain JSON.
    """

    def __init__(self, patterns: Iterable[str], data: str = "") -> None:
        self._patterns: list[Pattern] = [compile_pattern(text) for text in patterns]
        self._data = data
        self._looks_inside = any(pattern.fields.get(data) for pattern in self._patterns)

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether the function is to see `record`, whose data field holds decoded text."""
        if not self._patterns:
            return True
        if not self._data:
            return any(pattern.matches(dict(record)) for pattern in self._patterns)
        return self._matches_text({**record}, record.get(self._data))

    def _matches_text(self, record: dict[str, Any], text: Any) -> bool:
        opened = _object_in(text)
        for pattern in self._patterns:
            looks_inside = pattern.fields.get(self._data)
            if looks_inside is not None and looks_inside is not (opened is not None):
                continue
            if pattern.matches(record | {self._data: opened} if looks_inside else record):
                return True
        return False


def _object_in(text: Any) -> dict[str, Any] | None:
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return None
    try:
        value: dict[str, Any] = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value
