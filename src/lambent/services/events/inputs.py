"""What a target gets of an event: all of it, a part, a constant, or a text with parts put in. Pure.

In a template `<name>` stands for what InputPathsMap names, or for one of the predefined variables. Where
it stands decides its form: outside quotes it becomes JSON; inside a string it becomes text, without the
quotes that objects and lists would bring along.

Sources: EventBridge User Guide, "Input transformation", "Predefined variables" and "Common issues with
transforming input". Ours: text is escaped, so a quote in an event cannot break the JSON; what a path does
not find is an empty string; an InputPath that finds nothing gives null.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import DecodeError, Struct, json

from lambent.services.events.json_path import MISSING, parse_path, value_at
from lambent.services.events.model import Event, Rule, Target

PREDEFINED = (
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
)
_PLACEHOLDER = re.compile(r"<([^<>\s\"\\]+)>")
_QUOTES = re.compile(r'\\.|"', re.DOTALL)


class Hole(Struct, frozen=True):
    """A place for a variable; `inside` a string or not."""

    name: str
    inside: bool


def payload_for(target: Target, rule: Rule, event: Event) -> bytes:
    """What `target` gets when `event` matches `rule`."""
    if "Input" in target:
        return str(target["Input"]).encode()
    if "InputPath" in target:
        found = value_at(event.value, parse_path(target["InputPath"]))
        return json.encode(None if found is MISSING else found)
    transformer = target.get("InputTransformer")
    if transformer is None:
        return event.body
    return _rendered(transformer["InputTemplate"], _variables(transformer, rule, event)).encode()


def holes_of(template: str) -> list[Hole]:
    """The places of a template that stand for something."""
    return [piece for piece in _pieces(template) if isinstance(piece, Hole)]


def is_json(template: str) -> bool:
    """Whether a template makes JSON, whatever is put in."""
    return _is_json("".join(_sample(piece) for piece in _pieces(template)))


def is_lines_of_json(template: str) -> bool:
    """Whether each of its lines does: what other targets than functions may get."""
    return all(is_json(line) for line in template.splitlines() if line.strip())


def _is_json(text: str) -> bool:
    try:
        json.decode(text)
    except (DecodeError, RecursionError):
        return False
    return True


def _pieces(template: str) -> Iterator[str | Hole]:
    at, inside = 0, False
    for match in _PLACEHOLDER.finditer(template):
        before = template[at : match.start()]
        inside ^= sum(1 for quote in _QUOTES.findall(before) if quote == '"') % 2 == 1
        yield before
        yield Hole(match[1], inside)
        at = match.end()
    yield template[at:]


def _sample(piece: str | Hole) -> str:
    if isinstance(piece, str):
        return piece
    return "x" if piece.inside else '"x"'


def _variables(transformer: Mapping[str, Any], rule: Rule, event: Event) -> dict[str, Any]:
    found = {
        name: value_at(event.value, parse_path(path)) for name, path in transformer.get("InputPathsMap", {}).items()
    }
    received = datetime.fromtimestamp(event.received_ms / 1000, UTC).isoformat(timespec="milliseconds")
    predefined = (
        rule.arn,
        rule.name,
        received.replace("+00:00", "Z"),
        {name: value for name, value in event.value.items() if name != "detail"},
        event.value,
    )
    return found | dict(zip(PREDEFINED, predefined, strict=True))


def _rendered(template: str, variables: Mapping[str, Any]) -> str:
    return "".join(
        piece if isinstance(piece, str) else _filled(variables.get(piece.name, MISSING), piece.inside)
        for piece in _pieces(template)
    )


def _filled(value: Any, inside: bool) -> str:
    if value is MISSING:
        value = ""
    text = json.encode(value).decode()
    if not inside:
        return text
    if isinstance(value, str):
        return text[1:-1]
    return text.replace('\\"', "").replace('"', "")
