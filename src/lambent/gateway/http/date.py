"""The `Date` of answers, written once a second.

It tells the time by which signatures are judged, which is the machine's: from it the AWS SDKs learn how wrong their
own clocks are, and sign again. Sources: RFC 9110, section 6.6.1; the SDKs' handling of RequestTimeTooSkewed and of
InvalidSignatureException.
"""

from email.utils import formatdate

from lambent.clock import Clock


class DateLine:
    """Called for each answer: the header's whole line."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._epoch_s, self._line = clock, -1, ""

    def __call__(self) -> str:
        epoch_s = int(self._clock.machine_s())
        if epoch_s != self._epoch_s:
            self._epoch_s, self._line = epoch_s, f"date: {formatdate(epoch_s, usegmt=True)}\r\n"
        return self._line
