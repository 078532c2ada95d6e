"""The Date of answers: every one has it, once, and it is the machine's time.

Sources: RFC 9110, section 6.6.1; the SDK for JavaScript and the others set their clocks by it when a signature's time
was refused.
"""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest

from lambent.clock import FakeClock, ShiftedClock, SystemClock
from lambent.gateway.http.answer import bytes_of, refusal, streamed_head
from lambent.gateway.http.date import DateLine
from lambent.gateway.http.streams import Framing, StreamedResponse
from lambent.model.http import HttpResponse

LINE = "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"


async def test_it_goes_on_with_the_clock() -> None:
    clock = FakeClock()
    date = DateLine(clock)
    assert (date(), date()) == (LINE, LINE)
    await clock.advance(61)
    assert date() == "date: Tue, 14 Nov 2023 22:14:21 GMT\r\n"


def test_who_moves_the_platforms_time_does_not_move_that_of_signatures() -> None:
    day_s = 86_400
    shifted, machine_s = DateLine(ShiftedClock(shift_s=10 * day_s)), SystemClock().now_s()
    told = parsedate_to_datetime(shifted().removeprefix("date: ").strip())
    assert abs(told.timestamp() - machine_s) < day_s


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_answers_whole_streamed_and_refused_have_it(status: int) -> None:
    line = LINE.encode()
    assert bytes_of(HttpResponse(status, [], b""), LINE, keep_alive=True).count(line) == 1
    assert refusal(status, "no", LINE).count(line) == 1
    streamed = StreamedResponse(status, [], _nothing())
    assert streamed_head(streamed, Framing([], chunks_allowed=True), LINE, keep_alive=True).count(line) == 1


@pytest.mark.parametrize("name", ["Date", "date"])
def test_a_functions_own_date_stays_the_only_one(name: str) -> None:
    own = HttpResponse(200, [(name, "Thu, 01 Jan 1970 00:00:00 GMT")], b"")
    written = bytes_of(own, LINE, keep_alive=True).lower()
    assert written.count(b"\r\ndate: ") == 1
    assert b"1970" in written


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
