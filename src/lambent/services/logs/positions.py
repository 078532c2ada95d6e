"""Where an event stands among all events, as a number; event ids and paging tokens are made of it.

The order is by timestamp, then by chunk (the order of arrival), then by the place in the chunk. A
position lies before the event of the same number, so that "from here on" and "before here" share
no event and miss none. Written with 56 digits, as AWS writes event ids and tokens.
"""

import re
from typing import NamedTuple

from lambent.services.logs.errors import invalid_token

TOKEN = re.compile(r"([fb])/(\d{56})(?:/s)?")
CHUNK_BITS, INDEX_BITS = 72, 72
START, END = 0, 10**56 - 1


class Token(NamedTuple):
    """A place to go on from, and in which direction."""

    forward: bool
    position: int

    def __str__(self) -> str:
        return f"{'f' if self.forward else 'b'}/{self.position:056d}/s"


def position_of(time_ms: int, chunk_id: int = 0, index: int = 0) -> int:
    """The position of an event; with a time only, the first one that this time can have."""
    return (time_ms << (CHUNK_BITS + INDEX_BITS)) | (chunk_id << INDEX_BITS) | index


def time_of(position: int) -> int:
    """The epoch milliseconds in `position`."""
    return position >> (CHUNK_BITS + INDEX_BITS)


def event_id(position: int) -> str:
    """The eventId of the event at `position`."""
    return f"{position:056d}"


def parse_token(text: str) -> Token:
    """The token that `text` writes. Raises InvalidParameter."""
    match = TOKEN.fullmatch(text)
    if match is None:
        raise invalid_token()
    return Token(match[1] == "f", int(match[2]))


LATEST_MS = time_of(END)
