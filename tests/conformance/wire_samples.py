"""Values for the tests of the wire, made from botocore's shapes: deterministic, and within every constraint.

`Samples(seed, full)` makes one value a shape: only what is required, or every member.
"""

import random
import re
from datetime import UTC, datetime, timedelta
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from botocore.model import Shape

from lambent.protocol.patterns import UNCHECKED, matcher, translated

# Patterns that a walk over their tree does not satisfy, with a text that does.
HARD_PATTERNS = {
    "^([\\-]?\\d{4}(?!": "2026-01-31",
    "\\$(LATEST(\\.PUBLISHED)?)|": "$LATEST",
    "(?=[/\\.\\-_A-Za-z0-9]+)((?!aws\\.).*)|": "my.source",
}
PLAIN = "aZ9 <&>\"'é\u4e2d\U0001f600\n;=%+/"
HEADER_TEXT = "aZ9-_.xyzQ"


class Samples:
    """Makes values; the same seed makes the same values."""

    def __init__(self, seed: int, full: bool) -> None:
        self.random, self.full = random.Random(seed), full

    def structure(self, shape: Shape | None, place: str = "body", above: tuple[str, ...] = ()) -> dict[str, Any]:
        """A structure with the members that this kind of sample has."""
        if shape is None:
            return {}
        names = list(shape.members)
        if shape.is_tagged_union:
            names = [self._union_member(shape, above)]
        else:
            # Two members of one name on the wire (S3's deprecated Event beside Events) cannot be told apart.
            taken = [shape.members[name].serialization.get("name", name) for name in names]
            names = [name for name, tag in zip(names, taken, strict=True) if taken.count(tag) == 1]
            # Forms cannot carry an empty structure: inside another one, the first member stands in.
            names = [name for name in names if self._wanted(shape, name, above)] or names[: 1 if above else 0]
        return {name: self.value(shape.members[name], place, (*above, shape.name)) for name in names}

    def _wanted(self, shape: Shape, name: str, above: tuple[str, ...]) -> bool:
        if name in shape.required_members:
            return True
        return self.full and len(above) < 6 and not _holds(shape.members[name], {*above, shape.name})

    def _union_member(self, shape: Shape, above: tuple[str, ...]) -> str:
        safe = [name for name, member in shape.members.items() if not _holds(member, {*above, shape.name})]
        names = safe or list(shape.members)
        return str(self.random.choice(names) if self.full else names[0])

    def value(self, shape: Shape, place: str = "body", above: tuple[str, ...] = ()) -> Any:
        """One value of this shape, which travels in `place`."""
        location = {"uri": "uri", "header": "header", "headers": "header", "querystring": "query"}.get(
            shape.serialization.get("location"), place
        )
        if shape.type_name == "structure":
            return self.structure(shape, location, above)
        if shape.type_name == "list":
            return [self.value(shape.member, location, above) for _ in range(self._length(shape, 2))]
        if shape.type_name == "map":
            return self._map(shape, location, above)
        maker = getattr(self, f"_{shape.type_name}", self._string)
        return maker(shape, location)

    def _map(self, shape: Shape, place: str, above: tuple[str, ...]) -> dict[str, Any]:
        wanted = self._length(shape, 2)
        found: dict[str, Any] = {}
        for _ in range(50):
            if len(found) < wanted:
                key = self._string(shape.key, place)
                found[key.lower() if place == "header" else key] = self.value(shape.value, place, above)
        return found

    def _length(self, shape: Shape, usual: int) -> int:
        least = int(shape.metadata.get("min", 0))
        most = int(shape.metadata.get("max", 2**31))
        return min(most, max(least, usual if self.full else 1))

    def _string(self, shape: Shape, place: str) -> str:
        facts = shape.metadata
        if shape.serialization.get("hostLabel"):
            return "route"
        if facts.get("enum"):
            return str(self.random.choice(facts["enum"]))
        least, most = int(facts.get("min", 0)), int(facts.get("max", 10_000))
        if place in ("uri", "header"):
            least = max(1, least)
        if facts.get("pattern") and facts["pattern"] not in UNCHECKED:
            return self._matching(facts["pattern"], least, most)
        alphabet = HEADER_TEXT if place == "header" else PLAIN
        length = min(most, max(least, self.random.randint(3, 12)))
        text = "".join(self.random.choice(alphabet) for _ in range(length))
        return "a" + text[1:-1] + "z" if place != "body" and len(text) > 1 else text

    def _matching(self, pattern: str, least: int, most: int) -> str:
        for start, text in HARD_PATTERNS.items():
            if pattern.startswith(start):
                return text
        python, flags = translated(pattern)
        tree = sre_parse.parse(python, flags)
        fits = matcher(pattern)
        for attempt in range(300):
            # A repetition is stretched more and more until the text is long enough.
            stretch = 0 if attempt < 100 else (least if attempt % 2 else self.random.randint(1, max(least, 1)))
            text = _Walk(self.random, stretch=stretch).text(tree)
            if least <= len(text) <= most and fits(text):
                return text
        raise AssertionError(f"no sample for {pattern} of length {least} to {most}")

    def _integer(self, shape: Shape, place: str) -> int:
        least = int(shape.metadata.get("min", -1000 if place == "body" else 0))
        most = int(shape.metadata.get("max", max(least, 1000) + 10**6))
        if shape.serialization.get("location") == "statusCode":
            return 200
        return self.random.randint(least, most)

    _long = _integer

    def _double(self, shape: Shape, place: str) -> float:
        return self._integer(shape, place) + (0.5 if self.random.random() < 0.5 and "max" not in shape.metadata else 0)

    _float = _double

    def _boolean(self, shape: Shape, place: str) -> bool:
        return self.random.random() < 0.5

    def _blob(self, shape: Shape, place: str) -> bytes:
        return self.random.randbytes(max(1, self._length(shape, 9)))

    def _timestamp(self, shape: Shape, place: str) -> datetime:
        style = shape.serialization.get("timestampFormat", "rfc822" if place == "header" else "")
        fraction_ms = 0 if style == "rfc822" or place == "header" else self.random.choice([0, 0, 123, 999])
        return datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC) + timedelta(
            seconds=self.random.randint(-(10**9), 10**8), milliseconds=fraction_ms
        )


def _holds(shape: Shape, names: set[str], depth: int = 0) -> bool:
    """Whether a value of `shape` has to hold one of these shapes again."""
    if shape.name in names:
        return True
    if depth > 3:
        return False
    if shape.type_name == "list":
        return _holds(shape.member, names, depth + 1)
    return shape.type_name == "map" and _holds(shape.value, names, depth + 1)


class _Walk:
    """One text from a parsed pattern."""

    def __init__(self, source: random.Random, stretch: int) -> None:
        self.random, self.stretch = source, stretch
        self.groups: dict[int, str] = {}

    def text(self, tree: Any) -> str:
        return "".join(self._one(op, arg) for op, arg in tree)

    def _one(self, op: Any, arg: Any) -> str:
        if op is sre.LITERAL:
            return chr(arg)
        if op in (sre.NOT_LITERAL, sre.ANY, sre.IN, sre.CATEGORY):
            return self._character(op, arg)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self._repeat(*arg)
        if op is sre.BRANCH:
            return self.text(self.random.choice(arg[1]))
        if op is sre.SUBPATTERN:
            self.groups[arg[0]] = text = self.text(arg[3])
            return text
        return self.groups.get(arg, "") if op is sre.GROUPREF else ""

    def _repeat(self, least: int, most: Any, tree: Any) -> str:
        high = max(least, self.stretch) if self.stretch else least + 3
        count = self.random.randint(max(least, min(self.stretch, int(most))), max(least, min(high, int(most))))
        return "".join(self.text(tree) for _ in range(count))

    def _character(self, op: Any, arg: Any) -> str:
        if op is sre.ANY:
            return self.random.choice("abcXYZ019")
        tree = [(op, arg)] if op is not sre.NOT_LITERAL else [(sre.IN, [(sre.NEGATE, None), (sre.LITERAL, arg)])]
        one = _compiled(tree)
        for alphabet in ("abcxyzABC012789", "-_./:=+@ $*#~!\n\t,;", "é\u4e2d", map(chr, range(32, 127))):
            fitting = [letter for letter in alphabet if one(letter)]
            if fitting:
                return self.random.choice(fitting)
        raise AssertionError(f"no character for {arg}")


def _compiled(tree: Any) -> Any:
    """A test for one character, from a piece of a parsed pattern."""
    op, arg = tree[0]
    items = arg if op is sre.IN else [(op, arg)]
    negated = any(item[0] is sre.NEGATE for item in items)

    def fits(letter: str) -> bool:
        return negated != any(_item_fits(kind, what, letter) for kind, what in items)

    return fits


CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
}


def _item_fits(kind: Any, what: Any, letter: str) -> bool:
    if kind is sre.LITERAL:
        return bool(ord(letter) == what)
    if kind is sre.RANGE:
        return bool(what[0] <= ord(letter) <= what[1])
    if kind is sre.CATEGORY:
        return re.fullmatch(CATEGORIES[what], letter, re.ASCII) is not None
    return False
