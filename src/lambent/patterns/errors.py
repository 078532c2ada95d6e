"""Why a pattern is refused. The services put the reason into their own error."""

from lambent.errors import LambentError


class InvalidPattern(LambentError):
    """`reason` in the words that AWS's rule engine uses; `at` is how much of `text` had been read."""

    def __init__(self, reason: str, text: str, at: int) -> None:
        super().__init__(reason)
        self.reason, self.text, self.at = reason, text, at

    def with_place(self) -> str:
        """The reason and where in the text it is, as EventBridge writes it."""
        before = self.text[: self.at]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return f'{self.reason}\n at [Source: (String)"{self.text}"; line: {line}, column: {column}]'
