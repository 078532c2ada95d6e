"""Why a schedule is refused."""

from lambent.errors import LambentError


class InvalidSchedule(LambentError):
    """`text` is no schedule, because of `reason`."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text, self.reason = text, reason
