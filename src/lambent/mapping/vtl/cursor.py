"""A place in a template's text, and how deep in it. Pure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lambent.mapping.vtl.scope import TemplateFailed

DEEPEST = 40
SPACE = re.compile(r"\s*")


class Cursor:
    """Where the reader stands."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self.text, self.at = text, 0
        self._depth = depth

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, if it is `pattern`."""
        return pattern.match(self.text, self.at)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The same, and go behind it."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def step(self) -> str:
        """One character."""
        self.at += 1
        return self.text[self.at - 1]

    def skip_space(self) -> None:
        """Go to what is no white space."""
        self.take(SPACE)

    def take_word(self, word: str) -> bool:
        """Whether `word` follows, after any white space; it is read then."""
        before = self.at
        self.skip_space()
        if self.text.startswith(word, self.at):
            self.at += len(word)
            return True
        self.at = before
        return False

    def expect(self, word: str) -> None:
        """Read `word`. Raises TemplateFailed."""
        if not self.take_word(word):
            raise self.failed(f"{word!r} is expected")

    def failed(self, why: str) -> TemplateFailed:
        """The error that stands here."""
        return TemplateFailed(f"line {self.text.count(chr(10), 0, self.at) + 1}: {why}")

    def within(self, text: str) -> "Cursor":
        """A cursor for a text that stands inside this one."""
        return Cursor(text, self._depth + 1)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One level down. Raises TemplateFailed where it is too deep."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.failed("the template is nested too deep")
        try:
            yield
        finally:
            self._depth -= 1
